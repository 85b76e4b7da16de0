-- Pause, resume, limit. ARGV: url, candidates, 'pause' or 'rate', 1 if it ends, duration (us, '' without end) or hits
-- per second, by, reason, when it was asked for (us, '' for now). Answers 1 if one was in force before, and what stands.
-- What was asked for elsewhere, on memory, counts unless something newer stands here.
local now = clock()
local code, known = code_of_endpoint()
local what, value = ARGV[3], tonumber(ARGV[5])
local field = code .. ':' .. what
local held = redis.call('HGET', CONTROL, field)
local old = table_of(held)
local in_force = what == 'pause' and pause_in(held, now) or what == 'rate' and rate_in(held)
local at = math.min(tonumber(ARGV[8]) or now, now)
if ARGV[8] ~= '' and old and (moment_in(old.since) or 0) >= at then return {in_force and 1 or 0, held} end
local wish = {by = ARGV[6], reason = ARGV[7], since = int(at)}
if ARGV[4] == '1' then
  wish.ended = true
elseif what == 'pause' then
  wish['until'] = value and int(at + value) or ''
else
  wish.per_second, wish.from = value, int(now - 1000000 / value)
end
open_way()
if not known then register_endpoint(code) end
local text = cjson.encode(wish)
redis.call('HSET', CONTROL, field, text)
wake_all(code)
return {in_force and 1 or 0, text}
