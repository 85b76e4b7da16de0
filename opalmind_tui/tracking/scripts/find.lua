-- The ids that stand under an idempotency key. ARGV: its digest. Answers the one in the queue and the newest outside it.
local entry = redis.call('HGET', KEY, ARGV[1])
return {entry and string.sub(entry, 1, 14) or '', redis.call('HGET', ASIDE_KEY, ARGV[1]) or ''}
