-- Which of the queue's keys hold another type than they should. Answers name and type in turn.
local TYPES = {
  zset = {'inflight', 'dead', 'failed', 'aged', 'held', 'unknown', 'trash', 'rejected', 'claim', 'lately'},
  set = {'done:now', 'done:before'},
  hash = {'msg', 'meta', 'key', 'batch', 'shard', 'gate', 'control', 'endpoints', 'ledger', 'aside', 'aside-key', 'asleep',
          'settled'},
}
local found = {}

local function look(wanted, name)
  local kind = redis.call('TYPE', P .. name).ok
  if kind ~= 'none' and kind ~= wanted then
    found[#found + 1] = name
    found[#found + 1] = kind
  end
end

for wanted, names in pairs(TYPES) do
  for _, name in ipairs(names) do look(wanted, name) end
end
if redis.call('TYPE', ENDPOINTS).ok == 'hash' then
  for _, code in ipairs(codes()) do
    for at = 1, #SHARDS do look('zset', 'due:' .. code .. string.sub(SHARDS, at, at)) end
  end
end
return found
