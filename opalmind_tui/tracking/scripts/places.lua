-- Where requests stand, many asked with a few commands.
local function find_in(place, ids, places, scores)
  local missing = {}
  if #ids == 0 then return missing end
  for at, score in ipairs(redis.call('ZMSCORE', place, unpack(ids))) do
    local id = ids[at]
    if score then
      places[id], scores[id] = place, tonumber(score)
    else
      missing[#missing + 1] = id
    end
  end
  return missing
end

local function unplaced(ids, places)
  local left = {}
  for _, id in ipairs(ids) do
    if not places[id] then left[#left + 1] = id end
  end
  return left
end

-- Adds, by id, the set (in flight, due or dead) in which each stands, and its score there, to what is known of them.
local function add_places(ids, places, scores)
  local shards, left = {}, {}
  for _, id in ipairs(find_in(INFLIGHT, unplaced(ids, places), places, scores)) do
    local place = due_of(id)
    local here = shards[place]
    if not here then
      here = {}
      shards[place] = here
    end
    here[#here + 1] = id
  end
  for place, here in pairs(shards) do
    for _, id in ipairs(find_in(place, here, places, scores)) do left[#left + 1] = id end
  end
  find_in(DEAD, left, places, scores)
end

-- The same of what is outside the queue: in the trash, or rejected.
local function add_places_aside(ids, places, scores)
  find_in(REJECTED, find_in(TRASH, unplaced(ids, places), places, scores), places, scores)
end
