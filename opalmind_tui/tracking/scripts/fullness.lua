-- Limits of what the queue takes: requests, bytes of their bodies, and the server's own limit.
local SERVER_FULL, ASK_EVERY = 0.95, 1000000

-- maxmemory where a server that evicts nothing is about to refuse, else 0. Asked for once a second, for all of us: `held`
-- is what the ledger remembers of it; a new verdict comes second, to be stored.
local function server_full(held, now)
  local asked, verdict = string.match(held or '', '^(%d+) (%d+)$')
  local age = asked and now - tonumber(asked) or math.huge
  if age >= 0 and age < ASK_EVERY then return tonumber(verdict) end
  local info = redis.pcall('INFO', 'memory')
  if type(info) ~= 'string' then return 0 end
  local used = tonumber(string.match(info, 'used_memory:(%d+)') or 0)
  local most = tonumber(string.match(info, 'maxmemory:(%d+)') or 0)
  local evicts = not string.find(info, 'maxmemory_policy:noeviction', 1, true)
  local full = not evicts and most > 0 and used > SERVER_FULL * most and most or 0
  return full, int(now) .. ' ' .. int(full)
end

-- Why nothing more is taken (a letter, the limit), or nil. `coming` are the bytes that are offered.
local function fullness(most_bytes, coming, server)
  if server > 0 then return 's', server end
  if most_bytes > 0 and (redis.call('MEMORY', 'USAGE', MSG, 'SAMPLES', 5) or 0) + coming > most_bytes then
    return 'm', most_bytes
  end
end
