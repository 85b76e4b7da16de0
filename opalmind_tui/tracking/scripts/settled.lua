-- How much each process has settled: of each the number and the moment of the last, with a blank between.
-- Kept as long as a process may settle nothing, and still be told of what was forgotten.
local SETTLED_KEPT = 86400000000

-- Count `number` more. What a process was told of, and is not counted here, a store that was set back has forgotten: it may
-- be sent again. One that was emptied has nothing left to send. Answers what is counted now, of that forgotten, the epoch.
local function count_settled(process, number, told, of_epoch, now)
  local held, epoch = redis.pcall('HGET', SETTLED, process), redis.pcall('HGET', LEDGER, 'epoch')
  local before, forgotten = type(held) == 'string' and tonumber(string.match(held, '^%d+')) or 0, 0
  if type(held) ~= 'table' and epoch == of_epoch then forgotten = math.max(0, told - before) end
  local count = before + forgotten + number
  redis.pcall('HSET', SETTLED, process, int(count) .. ' ' .. int(now))
  return count, forgotten, type(epoch) == 'string' and epoch or ''
end

local function is_long_settled(entry, now)
  return (tonumber(string.match(entry, '^%d+ (%d+)$')) or 0) < now - SETTLED_KEPT
end
