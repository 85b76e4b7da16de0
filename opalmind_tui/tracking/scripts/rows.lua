-- What a list shows. ARGV: how many, or 0; a set to list newest first ('': newest failures, then inflight, then the
-- oldest due); the ids wanted. Answers: now, then of each its id, set ('inflight', 'due', 'dead', 'trash', 'rejected'),
-- score (of those outside the queue: the one that they had in it), body, meta.
local limit, now = tonumber(ARGV[1]), clock()
local ids, seen = {}, {}

local function add(id)
  if #ids < limit and not seen[id] then
    seen[id] = true
    ids[#ids + 1] = id
  end
end

-- The due sets side by side, each read a few at a time.
local CHUNK = 8
local function read_on(reader)
  reader.items = redis.call('ZRANGE', reader.place, reader.rank, reader.rank + CHUNK - 1, 'WITHSCORES')
  reader.rank, reader.at = reader.rank + CHUNK, 1
  return reader.items[1]
end

local function readers_of_due_sets()
  local readers = {}
  for _, code in ipairs(codes()) do
    for at = 1, #SHARDS do
      local reader = {place = P .. 'due:' .. code .. string.sub(SHARDS, at, at), rank = 0}
      if read_on(reader) then readers[#readers + 1] = reader end
    end
  end
  return readers
end

local function earliest(readers)
  local best, best_score, best_id
  for _, reader in ipairs(readers) do
    local id, score = reader.items[reader.at], tonumber(reader.items[reader.at + 1])
    if id and (not best or score < best_score or (score == best_score and id < best_id)) then
      best, best_score, best_id = reader, score, id
    end
  end
  return best
end

local function add_oldest_due()
  local readers = readers_of_due_sets()
  while #ids < limit do
    local reader = earliest(readers)
    if not reader then return end
    add(reader.items[reader.at])
    reader.at = reader.at + 2
    if reader.at > #reader.items then read_on(reader) end
  end
end

if limit > 0 and ARGV[2] ~= '' then
  ids = redis.call('ZREVRANGE', P .. ARGV[2], 0, limit - 1)
elseif limit > 0 then
  for _, id in ipairs(redis.call('ZREVRANGE', FAILED, 0, limit - 1)) do add(id) end
  if #ids < limit then
    for _, id in ipairs(redis.call('ZRANGE', INFLIGHT, 0, limit - 1)) do add(id) end
  end
  if #ids < limit then add_oldest_due() end
else
  for at = 3, #ARGV do ids[#ids + 1] = ARGV[at] end
end

local answers = {int(now)}
for _, id in ipairs(ids) do
  local place, score = place_of(id)
  if not place then
    place, score = aside_of(id)
    score = tonumber(string.match(redis.call('HGET', ASIDE, id) or '', '^%l+ %d+ %l+ (%d+)')) or score
  end
  local body = place and redis.call('HGET', MSG, id)
  if body then
    local state = place == due_of(id) and 'due' or string.sub(place, #P + 1)
    for _, value in ipairs({id, state, int(score), body, redis.call('HGET', META, id) or ''}) do
      table.insert(answers, value)
    end
  end
end
return answers
