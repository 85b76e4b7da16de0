-- The newest that were delivered. What was settled together is one member of LATELY: the moment, and rows as JSON, each of
-- which begins with its id; they are read where somebody looks. A member's score is how many rows there are up to its last.
local LATELY_KEPT = 10000

-- How many rows there were so far, and how many of them are shown.
local function rows_so_far()
  local number = tonumber(redis.call('ZREVRANGE', LATELY, 0, 0, 'WITHSCORES')[2]) or 0
  return number, math.max(0, math.min(number, LATELY_KEPT))
end

-- What a stranger wrote there must hold up nothing.
local function keep_lately(rows, number, now)
  if number == 0 then return end
  pcall(function()
    local before = rows_so_far()
    if not (before >= 0 and before < 1e15) then
      redis.call('UNLINK', LATELY)
      before = 0
    end
    redis.call('ZADD', LATELY, int(before + number), int(now) .. rows)
    redis.call('ZREMRANGEBYSCORE', LATELY, '-inf', int(before + number - LATELY_KEPT))
  end)
end

local function rows_in(member)
  local begins = string.find(member, '[', 1, true)
  return begins and table_of(string.sub(member, begins)) or {}
end

-- The number of a request's row, counted from the newest, or nil.
local function row_of(id, so_far)
  for at = 0, LATELY_KEPT, 50 do
    local members = redis.call('ZREVRANGE', LATELY, at, at + 49, 'WITHSCORES')
    if not members[1] then return nil end
    for next = 1, #members, 2 do
      if string.find(members[next], '["' .. id .. '"', 1, true) then
        local rows = rows_in(members[next])
        for number, row in ipairs(rows) do
          if row[1] == id then return so_far - tonumber(members[next + 1]) + #rows - number end
        end
      end
    end
  end
end

-- Members and scores that hold the rows from one number to another, counted from the newest; some hold others, too.
local function lately_between(first, last, so_far)
  local newest, oldest = int(so_far - first), int(so_far - last)
  local found = redis.call('ZREVRANGEBYSCORE', LATELY, '(' .. newest, oldest, 'WITHSCORES')
  local above = redis.call('ZRANGEBYSCORE', LATELY, newest, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  return {above[1], above[2], unpack(found)}
end
