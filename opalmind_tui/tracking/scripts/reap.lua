-- Return what expired claims hold, and empty the trash of what was in it long enough. ARGV: most requests, recoveries
-- after which a request is dead, how long the trash keeps (us), most requests of it. Answers how many were returned, and
-- how many are gone.
local budget, most, now = tonumber(ARGV[1]), tonumber(ARGV[2]), clock()
local counters = {recovered = 0, unknown = 0}
for _, token in ipairs(redis.call('ZRANGEBYSCORE', CLAIM, '-inf', int(now), 'LIMIT', 0, 50)) do
  local batch = batch_of(token) or {ids = {}, shards = {}}
  local left = {}
  sound(due_sets_of(batch.ids), {})
  sound({DEAD}, {})
  for _, id in ipairs(batch.ids) do
    if budget <= 0 then
      table.insert(left, id)
    else
      local meta = leased_meta(token, id)
      if meta then
        recover(id, meta, may_be_posted(batch), most, now, batch.once)
        counters.recovered = counters.recovered + 1
        if may_be_posted(batch) then counters.unknown = counters.unknown + 1 end
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
local gone = redis.call('ZRANGEBYSCORE', TRASH, '-inf', int(now - tonumber(ARGV[3])), 'LIMIT', 0, ARGV[4])
if #gone > 0 then sound({}, {MSG, META}) end
drop_aside('trash', gone)
return {counters.recovered, #gone}
