-- What a list shows. ARGV: how many, or 0; a set to list newest first ('': newest failures, then inflight, then the
-- oldest due); the ids wanted. Answers: now, then of each its id, set ('inflight', 'due', 'dead', 'trash', 'rejected'),
-- score (of those outside the queue: the one that they had in it), body, meta.
local limit, now = tonumber(ARGV[1]), clock()
local ids, seen = {}, {}
local places, scores = {}, {}

local function add(id, place, score)
  if #ids < limit and not seen[id] then
    seen[id] = true
    ids[#ids + 1] = id
    places[id], scores[id] = place, score
  end
end

-- The due sets side by side, each read a few at a time.
local CHUNK = 4
local function read_on(reader)
  reader.items = redis.call('ZRANGE', reader.place, reader.rank, reader.rank + CHUNK - 1, 'WITHSCORES')
  reader.rank, reader.at = reader.rank + CHUNK, 1
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

local function readers_of_due_sets()
  local readers = {}
  for _, code in ipairs(codes()) do
    for at = 1, #SHARDS do
      local reader = {place = P .. 'due:' .. code .. string.sub(SHARDS, at, at), rank = 0}
      read_on(reader)
      if reader.score then readers[#readers + 1] = reader end
    end
  end
  table.sort(readers, is_before)
  return readers
end

local function add_oldest_due()
  local readers = readers_of_due_sets()
  while #ids < limit and readers[1] do
    local first, at = readers[1], 1
    add(first.items[first.at], first.place, first.score)
    step_on(first)
    -- It moves back to where its next one belongs, or is over.
    while readers[at + 1] and (not first.score or is_before(readers[at + 1], first)) do
      readers[at], at = readers[at + 1], at + 1
    end
    readers[at] = first.score and first or nil
  end
end

if limit > 0 and ARGV[2] ~= '' then
  ids = redis.call('ZREVRANGE', P .. ARGV[2], 0, limit - 1)
elseif limit > 0 then
  for _, id in ipairs(redis.call('ZREVRANGE', FAILED, 0, limit - 1)) do add(id) end
  if #ids < limit then
    local leased = redis.call('ZRANGE', INFLIGHT, 0, limit - 1, 'WITHSCORES')
    for at = 1, #leased, 2 do add(leased[at], INFLIGHT, tonumber(leased[at + 1])) end
  end
  if #ids < limit then add_oldest_due() end
else
  for at = 3, #ARGV do ids[#ids + 1] = ARGV[at] end
end

local answers = {int(now)}
if #ids == 0 then return answers end
add_places(ids, places, scores)
add_places_aside(ids, places, scores)
local bodies, metas = redis.call('HMGET', MSG, unpack(ids)), metas_of(ids)
for at, id in ipairs(ids) do
  local place, score = places[id], scores[id]
  if place == TRASH or place == REJECTED then
    score = tonumber(string.match(redis.call('HGET', ASIDE, id) or '', '^%l+ %d+ %l+ (%d+)')) or score
  end
  if place and bodies[at] then
    local next = #answers
    answers[next + 1], answers[next + 2] = id, place == due_of(id) and 'due' or string.sub(place, #P + 1)
    answers[next + 3], answers[next + 4], answers[next + 5] = int(score), bodies[at], metas[at] or ''
  end
end
return answers
