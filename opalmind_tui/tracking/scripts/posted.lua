-- Mark a claim (ARGV[1]) as posted: should its lease run out, the outcome of its requests is unknown.
local batch = batch_of(ARGV[1])
if batch and not batch.posted then
  batch.posted = true
  open_way()
  redis.call('HSET', BATCH, ARGV[1], cjson.encode(batch))
end
return 1
