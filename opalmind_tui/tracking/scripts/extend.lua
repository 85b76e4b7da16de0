-- Renew leases. ARGV: lease (us), tokens. Answers the tokens that are lost: reaped, or their shards taken by another.
local now = clock()
local lost = {}
for at = 2, #ARGV do
  local token = ARGV[at]
  local batch = not alive(token, now) and batch_of(token)
  if batch == nil or (batch and not owns_shards(token, batch)) then
    table.insert(lost, token)
  else
    open_way()
    redis.call('ZADD', CLAIM, 'XX', 'GT', int(now + tonumber(ARGV[1])), token)
  end
end
return lost
