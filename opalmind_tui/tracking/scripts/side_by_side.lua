-- Sorted sets read side by side, as if they were one: each a few members at a time.
local FEWEST, MOST = 4, 50
local function read_on(reader)
  reader.items = redis.call('ZRANGE', reader.place, reader.rank, reader.rank + reader.chunk - 1, 'WITHSCORES')
  reader.rank, reader.at = reader.rank + reader.chunk, 1
  reader.score = tonumber(reader.items[2])
end

local function step_on(reader)
  reader.at = reader.at + 2
  if reader.at > #reader.items then return read_on(reader) end
  reader.score = tonumber(reader.items[reader.at + 1])
end

local function is_before(one, other)
  if one.score ~= other.score then return one.score < other.score end
  return one.items[one.at] < other.items[other.at]
end

-- Calls `take(id, place, score)` for the members of the sets {place, rank to begin with}, lowest scores first, until it
-- answers false or there are no more; about so many times.
local function each_in_order(sets, number, take)
  local readers = {}
  local chunk = math.max(FEWEST, math.min(MOST, math.ceil(number / #sets) + 1))
  for _, set in ipairs(sets) do
    local reader = {place = set.place, rank = set.rank or 0, chunk = chunk}
    read_on(reader)
    if reader.score then readers[#readers + 1] = reader end
  end
  table.sort(readers, is_before)
  while readers[1] do
    local first, at = readers[1], 1
    if not take(first.items[first.at], first.place, first.score) then return end
    step_on(first)
    -- It moves back to where its next one belongs, or is over.
    while readers[at + 1] and (not first.score or is_before(readers[at + 1], first)) do
      readers[at], at = readers[at + 1], at + 1
    end
    readers[at] = first.score and first or nil
  end
end

-- All due sets that hold something.
local function due_sets()
  local sets = {}
  for _, code in ipairs(codes()) do
    for at = 1, #SHARDS do
      local place = P .. 'due:' .. code .. string.sub(SHARDS, at, at)
      if redis.call('ZCARD', place) > 0 then sets[#sets + 1] = {place = place} end
    end
  end
  table.sort(sets, function(one, other) return one.place < other.place end)
  return sets
end
