-- Add what a process's memory settled, once. ARGV: nonce, epoch, then name and number in turn. The last 100 nonces count.
local nonces = redis.call('HGET', LEDGER, 'nonces') or ''
local mark = '<' .. ARGV[1] .. '>'
if string.find(nonces, mark, 1, true) then return 0 end
open_way()
local counters = {accepted = 0}
for at = 3, #ARGV, 2 do
  local name, number = ARGV[at], tonumber(ARGV[at + 1])
  counters[name] = number
  if name ~= 'retried' and name ~= 'unknown' then counters.accepted = counters.accepted + number end
end
redis.call('HSET', LEDGER, 'nonces', string.sub(mark .. nonces, 1, 100 * #mark))
redis.call('HSETNX', LEDGER, 'epoch', ARGV[2])
add_to_ledger(counters)
return 1
