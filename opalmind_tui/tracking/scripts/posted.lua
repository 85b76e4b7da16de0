-- Mark a claim (ARGV[1]) as posted: should its lease run out, the outcome of its requests is unknown.
-- ARGV[2] is 1 where such a request shall not be sent again: whoever reaps keeps to it.
-- Answers now, the pause as JSON that forbids it, or '', and 1 where the claim is lost: nothing may be posted then.
local token, now = ARGV[1], clock()
local batch = batch_of(token)
if not batch or not (alive(token, now) or owns_shards(token, batch)) then return {int(now), '', 1} end
local _, _, pause = control_of(string.sub(batch.ids[1] or '', 1, 2), now)
if pause == '' and not batch.posted then
  batch.posted, batch.once = true, ARGV[2] == '1' or nil
  open_way()
  redis.call('HSET', BATCH, token, cjson.encode(batch))
end
return {int(now), pause, 0}
