-- Sleepers: who finds nothing to send, or leaves nothing that is due, leaves a mark and listens on a channel, for itself or
-- for others of its process that rest. Only where a mark stands is a word said, so a queue with a backlog says none. Who may
-- not publish says nothing, and sleepers look for themselves now and then.
local ASLEEP, WAKE = P .. 'asleep', P .. 'wake'

local function wake(code)
  if redis.pcall('HDEL', ASLEEP, code) == 1 then redis.pcall('PUBLISH', WAKE, code) end
end

-- Also who waits behind a gate, a pause or for a free hit: they left no mark.
local function wake_all(code)
  redis.pcall('PUBLISH', WAKE, code)
end

-- For requests that are due again, wherever they were before: a word for each of their endpoints.
local function wake_for(ids)
  local woken = {}
  for _, id in ipairs(ids) do
    local code = string.sub(id, 1, 2)
    if not woken[code] then wake(code) end
    woken[code] = true
  end
end

local function fall_asleep(code)
  if redis.pcall('HEXISTS', ASLEEP, code) ~= 0 then return end
  open_way()
  redis.call('HSET', ASLEEP, code, '1')
end
