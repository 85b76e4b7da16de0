-- Requests outside the queue whose bodies are kept: in the trash, or rejected. ASIDE tells of each: its set and moment,
-- the set ('due' or 'dead') and score that it had, 1 if its key was its own, then digest of its key and fingerprint.
local REJECTED_KEPT = 1000

local function aside_from(text)
  local pattern = '^(%l+) (%d+) (%l+) (%d+) ([01]) ()'
  local set, moment, from, score, owned, rest = string.match(text or '', pattern)
  if (set ~= 'trash' and set ~= 'rejected') or (from ~= 'due' and from ~= 'dead') then return nil end
  return {set = set, moment = moment, from = from, score = score, owned = owned == '1',
          digest = string.sub(text, rest, rest + 15), fingerprint = string.sub(text, rest + 16)}
end

-- Put requests {id, digest, from, score, moment (text)}, which stand in no set any more, into one of the two; frees their keys.
local function put_aside(set, requests)
  if #requests == 0 then return end
  local ids, digests, entries = {}, {}, {}
  for at, request in ipairs(requests) do
    ids[at] = request.id
    if request.digest ~= '' then digests[#digests + 1] = request.digest end
  end
  if #digests > 0 then
    for at, entry in ipairs(redis.call('HMGET', KEY, unpack(digests))) do entries[digests[at]] = entry end
  end
  local notes, members, freed, index = {}, {}, {}, {}
  for _, request in ipairs(requests) do
    local entry = entries[request.digest]
    local owned = entry and string.sub(entry, 1, 14) == request.id
    if owned then freed[#freed + 1] = request.digest end
    notes[#notes + 1] = request.id
    notes[#notes + 1] = set .. ' ' .. request.moment .. ' ' .. request.from .. ' ' .. int(request.score) ..
      (owned and ' 1 ' or ' 0 ') .. request.digest .. (owned and string.sub(entry, 15) or '')
    members[#members + 1] = request.moment
    members[#members + 1] = request.id
    if request.digest ~= '' then
      index[#index + 1] = request.digest
      index[#index + 1] = request.id
    end
  end
  redis.call('HSET', ASIDE, unpack(notes))
  redis.call('ZADD', P .. set, unpack(members))
  if #freed > 0 then redis.call('HDEL', KEY, unpack(freed)) end
  if #index > 0 then redis.pcall('HSET', ASIDE_KEY, unpack(index)) end
  redis.pcall('ZREM', FAILED, unpack(ids))
  redis.pcall('ZREM', AGED, unpack(ids))
  redis.pcall('ZREM', UNKNOWN, unpack(ids))
  redis.pcall('ZREM', HELD, unpack(ids))
end

-- They stand in neither set any more: what told where, and the index by key.
local function clear_aside(ids, notes)
  local digests, owners, stale = {}, {}, {}
  for at, id in ipairs(ids) do
    local kept = aside_from(notes[at])
    if kept and kept.digest ~= '' then
      digests[#digests + 1] = kept.digest
      owners[#owners + 1] = id
    end
  end
  redis.call('HDEL', ASIDE, unpack(ids))
  if #digests == 0 then return end
  for at, holder in ipairs(redis.pcall('HMGET', ASIDE_KEY, unpack(digests))) do
    if holder == owners[at] then stale[#stale + 1] = digests[at] end
  end
  if #stale > 0 then redis.pcall('HDEL', ASIDE_KEY, unpack(stale)) end
end

-- Gone for good.
local function drop_aside(set, ids)
  if #ids == 0 then return end
  local notes = redis.call('HMGET', ASIDE, unpack(ids))
  redis.call('ZREM', P .. set, unpack(ids))
  remember_done(ids)
  redis.call('HDEL', MSG, unpack(ids))
  redis.call('HDEL', META, unpack(ids))
  clear_aside(ids, notes)
end

local function keep_rejected(requests)
  if #requests == 0 then return end
  put_aside('rejected', requests)
  local extra = redis.call('ZCARD', REJECTED) - REJECTED_KEPT
  if extra > 0 then drop_aside('rejected', redis.call('ZRANGE', REJECTED, 0, math.min(extra, 500) - 1)) end
end
