-- Count everything at one moment. ARGV: url, candidates, names of the ledger's fields.
-- Answers: now, pending, scheduled, of them other endpoints', inflight, dead, oldest acceptance, next due, gate,
-- pause, rate, in the trash, rejected and kept, waiting with an unknown outcome, waiting for a token, failed, delivered
-- and kept, fields.
local now = clock()
local own = code_of_endpoint()
local pending, waiting, other = 0, 0, 0
local oldest, next_due = math.huge, math.huge

local function head_of(place)
  return tonumber(redis.call('ZRANGE', place, 0, 0, 'WITHSCORES')[2]) or math.huge
end

for _, code in ipairs(codes()) do
  for at = 1, #SHARDS do
    local place = P .. 'due:' .. code .. string.sub(SHARDS, at, at)
    local number = redis.call('ZCARD', place)
    if number > 0 then
      local head = head_of(place)
      waiting = waiting + number
      oldest = math.min(oldest, head)
      if head <= now then pending = pending + redis.call('ZCOUNT', place, '-inf', int(now)) end
      if code == own then next_due = math.min(next_due, head) else other = other + number end
    end
  end
end
oldest = math.min(oldest, head_of(INFLIGHT), head_of(AGED))

local _, _, pause, rate = control_of(own, now)
local _, lately = rows_so_far()

local function moment(value)
  return value < math.huge and int(value) or ''
end

return {int(now), pending, waiting - pending, other, redis.call('ZCARD', INFLIGHT), redis.call('ZCARD', DEAD),
        moment(oldest), moment(next_due), redis.call('HGET', GATE, own) or '', pause, rate,
        redis.call('ZCARD', TRASH), redis.call('ZCARD', REJECTED), redis.call('ZCARD', UNKNOWN),
        redis.call('ZCARD', HELD), redis.call('ZCARD', FAILED), lately,
        redis.call('HMGET', LEDGER, unpack(ARGV, 3))}
