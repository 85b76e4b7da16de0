-- End the claims that hold the named requests, as if their leases had run out. ARGV: most requests of one call, a claim of
-- which a part is left ('' for none), then the ids. Answers how many came back, and the claim of which a part is left:
-- whoever calls does so again until none comes back.
local budget, now = tonumber(ARGV[1]), clock()
local counters, unfinished = {recovered = 0, unknown = 0}, ''

local function end_it(token)
  local batch, left = batch_of(token) or {ids = {}, shards = {}}, {}
  sound(due_sets_of(batch.ids), {})
  for _, id in ipairs(batch.ids) do
    local meta = budget > 0 and leased_meta(token, id)
    if meta then
      recover(id, meta, may_be_posted(batch), math.huge, now, false)
      counters.recovered = counters.recovered + 1
      if may_be_posted(batch) then counters.unknown = counters.unknown + 1 end
      budget = budget - 1
    elseif budget <= 0 then
      left[#left + 1] = id
    end
  end
  if #left == 0 then return end_claim(token, batch.shards) end
  batch.ids = left
  unfinished = token
  redis.call('HSET', BATCH, token, cjson.encode(batch))
end

if ARGV[2] ~= '' then end_it(ARGV[2]) end

for at = 3, #ARGV do
  local id = ARGV[at]
  if budget > 0 and redis.call('ZSCORE', INFLIGHT, id) then
    local meta = table_of(redis.call('HGET', META, id))
    local token = meta and text_or_none(meta.token) or holder_of(id, now)
    if token ~= '' then end_it(token) end
  end
end
add_to_ledger(counters)
return {counters.recovered, unfinished}
