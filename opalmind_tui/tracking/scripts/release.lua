-- Give back what a claim (ARGV[1]) holds and has not posted, though it was to be posted at once: to its old place, as if
-- it had not been claimed.
-- What it took of a rate is free again.
local token = ARGV[1]
local batch = batch_of(token)
if not batch or batch.posted then return 0 end
sound(due_sets_of(batch.ids), {CONTROL})
local released = 0
for _, id in ipairs(batch.ids) do
  local meta = leased_meta(token, id)
  if meta then
    redis.call('ZREM', INFLIGHT, id)
    redis.call('ZADD', due_of(id), meta.due, id)
    if meta.attempts + meta.recovered + meta.unknown == 0 and meta.failed == '0' and meta.due == meta.accepted then
      redis.call('HDEL', META, id)
    else
      meta.token = ''
      save_meta(id, meta)
    end
    released = released + 1
  end
end
if released > 0 then give_hits_back(string.sub(batch.ids[1], 1, 2), released, clock()) end
end_claim(token, batch.shards)
return released
