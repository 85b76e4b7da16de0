-- Write idempotency records (KEYS from 2 on) that are not there. ARGV: length of their prefix, then TTL (s) and record
-- of each. A value that is no record gives way.
local written = 0
open_way()
for at = 2, #KEYS do
  if not recorded(KEYS[at], tonumber(ARGV[1])) then
    redis.call('SET', KEYS[at], ARGV[2 * at - 1], 'EX', ARGV[2 * at - 2])
    written = written + 1
  end
end
return written
