-- Whose claim a request in flight belongs to.
local holds = {}

local function held_by_claim(id, token)
  if holds[token] == nil then
    holds[token] = {}
    local batch = redis.call('ZSCORE', CLAIM, token) and batch_of(token)
    for _, held in ipairs(batch and batch.ids or {}) do holds[token][held] = true end
  end
  return holds[token][id]
end

-- Of a first attempt nothing is stored: who leases its visitors has it, unless that lease ran out and another took them.
local function holder_of(id, now)
  local token = redis.call('HGET', SHARD, string.sub(id, 1, 3))
  if token and (held_by_claim(id, token) or not batch_of(token)) then return token end
  for _, expired in ipairs(redis.call('ZRANGEBYSCORE', CLAIM, '-inf', int(now), 'LIMIT', 0, 50)) do
    if held_by_claim(id, expired) then return expired end
  end
  return ''
end
