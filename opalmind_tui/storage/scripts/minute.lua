-- Note a minute, if nobody has noted it yet: the first one wins, by the server's clock.
-- KEYS[1]: the stream. ARGV: the figures, milliseconds and minutes that are kept.
-- Answers 1 where it was noted, 0 where it had been.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local newest = redis.pcall('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
if newest.err then return newest end
local last = newest[1] and tonumber(string.match(newest[1][1], '^%d+')) or 0
if last - now < 120000 and math.floor(last / 60000) >= math.floor(now / 60000) then return 0 end

local function add()
  return redis.pcall('XADD', KEYS[1], 'MAXLEN', '=', ARGV[3], string.format('%.0f-0', now), 'm', ARGV[1])
end

local answer = add()
if type(answer) == 'table' and answer.err and string.find(answer.err, 'equal or smaller') then
  -- The clock was far ahead once: a stream never takes an id below its greatest, so it is laid anew without those.
  local past = redis.call('XRANGE', KEYS[1], '-', string.format('%.0f', now - 1), 'COUNT', ARGV[3])
  redis.call('DEL', KEYS[1])
  for _, entry in ipairs(past) do
    if #entry[2] == 2 then redis.call('XADD', KEYS[1], entry[1], entry[2][1], entry[2][2]) end
  end
  answer = add()
end
if type(answer) == 'table' and answer.err then return answer end
redis.call('XTRIM', KEYS[1], 'MINID', '=', string.format('%.0f', now - ARGV[2]))
return 1
