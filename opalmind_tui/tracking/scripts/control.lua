-- What operators ask of an endpoint, apart from its gate: a pause {by, reason, since, until ('' without end)} and a rate
-- {by, reason, since, per_second, from}, each as JSON; {ended = true} where somebody ended it. At `from` (us) the limit's
-- hits begin to come free.
local BURST = 1000000

local function moment_in(value)
  return type(value) == 'string' and tonumber(value) or nil
end

local function pause_in(text, now)
  local pause = table_of(text)
  if not pause or pause.ended or not moment_in(pause.since) then return nil end
  return (moment_in(pause['until']) or math.huge) > now and pause or nil
end

local function rate_in(text)
  local rate = table_of(text)
  if not rate or rate.ended or not moment_in(rate.from) or type(rate.per_second) ~= 'number' then return nil end
  if rate.per_second <= 0 or rate.per_second > 1e9 then return nil end
  local found = {per_second = rate.per_second}
  for _, name in ipairs({'by', 'reason', 'since', 'from'}) do found[name] = type(rate[name]) == 'string' and rate[name] or '' end
  return found
end

-- Pause, rate, and how they stand in the store ('' for what is not in force).
local function control_of(code, now)
  local texts = redis.call('HMGET', CONTROL, code .. ':pause', code .. ':rate')
  local pause, rate = pause_in(texts[1], now), rate_in(texts[2])
  return pause, rate, pause and texts[1] or '', rate and texts[2] or ''
end

-- From when hits are counted: nothing is saved up beyond a burst, and no clock that stepped back starves anybody.
local function from_of(rate, now)
  local step = 1000000 / rate.per_second
  return math.min(now, math.max(moment_in(rate.from), now - math.max(step, BURST))), step
end

local function hits_free(rate, now)
  local from, step = from_of(rate, now)
  return math.floor((now - from) / step + 0.000001), from + step
end

-- Take hits (or give them back, below 0).
local function take_hits(code, rate, number, now)
  local from, step = from_of(rate, now)
  rate.from = string.format('%.1f', from + number * step)
  redis.call('HSET', CONTROL, code .. ':rate', cjson.encode(rate))
end

-- Hits that were taken and are not posted are free again, where a rate is in force.
local function give_hits_back(code, number, now)
  local _, rate = control_of(code, now)
  if rate then take_hits(code, rate, -number, now) end
end
