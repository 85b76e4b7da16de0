-- Writes that a script gathers request by request and makes together, one command for each key.
local INDEXES = {[FAILED] = true, [AGED] = true, [HELD] = true, [UNKNOWN] = true}
local gathered, gathered_metas, gathered_out = {}, {}, {}

local function put(place, score, id)
  local members = gathered[place]
  if not members then
    members = {}
    gathered[place] = members
  end
  members[#members + 1] = score
  members[#members + 1] = id
end

local function take(place, id)
  local members = gathered_out[place]
  if not members then
    members = {}
    gathered_out[place] = members
  end
  members[#members + 1] = id
end

local function put_meta(id, meta)
  gathered_metas[#gathered_metas + 1] = id
  gathered_metas[#gathered_metas + 1] = cjson.encode(meta)
end

local function write_gathered()
  for place, members in pairs(gathered_out) do redis.call('ZREM', place, unpack(members)) end
  for place, members in pairs(gathered) do
    -- An index that is no sorted set must not stop what moves the requests; a walk over all mends it.
    if INDEXES[place] then
      redis.pcall('ZADD', place, unpack(members))
    else
      redis.call('ZADD', place, unpack(members))
    end
  end
  if #gathered_metas > 0 then redis.call('HSET', META, unpack(gathered_metas)) end
end
