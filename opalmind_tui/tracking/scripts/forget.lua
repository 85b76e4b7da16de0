local DONE_KEPT = 10000

-- The newest ids that were settled for good: a process that could not learn whether its request was taken asks here.
local function remember_done(ids, now)
  local members = {}
  for _, id in ipairs(ids) do
    members[#members + 1] = int(now)
    members[#members + 1] = id
  end
  redis.call('ZADD', DONE, unpack(members))
  redis.call('ZREMRANGEBYRANK', DONE, 0, -DONE_KEPT - 1)
end

-- Requests that leave the queue: all that is kept of each {id, digest of its key}. Frees the keys that are still theirs;
-- answers what stood in the key index, by digest.
local function forget(requests)
  local ids, digests, owners, freed, entries = {}, {}, {}, {}, {}
  if #requests == 0 then return entries end
  for _, request in ipairs(requests) do
    ids[#ids + 1] = request.id
    if request.digest ~= '' then
      digests[#digests + 1] = request.digest
      owners[#owners + 1] = request.id
    end
  end
  remember_done(ids, clock())
  redis.call('HDEL', MSG, unpack(ids))
  redis.call('HDEL', META, unpack(ids))
  redis.call('ZREM', FAILED, unpack(ids))
  redis.call('ZREM', HELD, unpack(ids))
  redis.call('ZREM', AGED, unpack(ids))
  redis.call('ZREM', UNKNOWN, unpack(ids))
  if #digests == 0 then return entries end
  for at, entry in ipairs(redis.call('HMGET', KEY, unpack(digests))) do
    entries[digests[at]] = entry
    if entry and string.sub(entry, 1, 14) == owners[at] then freed[#freed + 1] = digests[at] end
  end
  if #freed > 0 then redis.call('HDEL', KEY, unpack(freed)) end
  return entries
end
