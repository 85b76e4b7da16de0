-- Write idempotency records (KEYS from 2 on) that are not there. ARGV: length of their prefix, then of each TTL (s), record
-- and digest of its key. Without further KEYS they are written already. A value that is no record gives way. What waits
-- here under such a key with the same payload was delivered by now: its acceptance turns out to have been a duplicate's,
-- and it is never sent.
local written, out = 0, {}
for at = 2, (#ARGV + 2) / 3 do
  local digest = ARGV[3 * at - 2]
  local entry = redis.call('HGET', KEY, digest)
  local id = entry and string.sub(entry, 1, 14)
  local place = id and place_of(id)
  local record = table_of(ARGV[3 * at - 3])
  if place and place ~= INFLIGHT and record and record.fingerprint == string.sub(entry, 15) then
    out[#out + 1] = {id = id, digest = digest, place = place}
  end
end
sound({}, {MSG, META, KEY})
open_way()
for at = 2, #KEYS do
  if not recorded(KEYS[at], tonumber(ARGV[1])) then
    redis.call('SET', KEYS[at], ARGV[3 * at - 3], 'EX', ARGV[3 * at - 4])
    written = written + 1
  end
end
for _, request in ipairs(out) do redis.call('ZREM', request.place, request.id) end
forget_each(out)
add_to_ledger({accepted = -#out, duplicates = #out})
return written
