-- Return what expired claims hold. ARGV: most requests, recoveries after which a request is dead. Answers how many.
local budget, most, now = tonumber(ARGV[1]), tonumber(ARGV[2]), clock()
local counters = {recovered = 0, unknown = 0}
for _, token in ipairs(redis.call('ZRANGEBYSCORE', CLAIM, '-inf', int(now), 'LIMIT', 0, 50)) do
  local batch = batch_of(token) or {ids = {}, shards = {}}
  local left = {}
  for _, id in ipairs(batch.ids) do
    if budget <= 0 then
      table.insert(left, id)
    else
      local meta = meta_under(token, id)
      if meta and redis.call('ZSCORE', INFLIGHT, id) then
        recover(id, meta, batch.posted, most, now)
        counters.recovered = counters.recovered + 1
        if batch.posted then counters.unknown = counters.unknown + 1 end
      end
      budget = budget - 1
    end
  end
  if #left == 0 then
    end_claim(token, batch.shards)
  else
    batch.ids = left
    redis.call('HSET', BATCH, token, cjson.encode(batch))
    break
  end
end
add_to_ledger(counters)
return counters.recovered
