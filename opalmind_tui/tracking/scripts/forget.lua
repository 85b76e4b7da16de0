local DONE_KEPT = 10000

-- The newest ids that were settled for good, at least so many: a process that could not learn whether its request was
-- taken asks here (`is_done`). Two sets that take turns, for one would have to be sorted.
local function remember_done(ids)
  redis.pcall('SADD', DONE, unpack(ids))
  local number = redis.pcall('SCARD', DONE)
  if type(number) == 'number' and number > DONE_KEPT then
    redis.call('UNLINK', DONE_BEFORE)
    redis.call('RENAME', DONE, DONE_BEFORE)
  end
end

-- Requests that leave the queue: all that is kept of each {id, digest of its key, whether it is `fresh`: nothing but its
-- body is stored}. Frees the keys that are still theirs; answers what stood in the key index, by digest.
local function forget(requests)
  local ids, known, digests, owners, freed, entries = {}, {}, {}, {}, {}, {}
  if #requests == 0 then return entries end
  for _, request in ipairs(requests) do
    ids[#ids + 1] = request.id
    if not request.fresh then known[#known + 1] = request.id end
    if request.digest ~= '' then
      digests[#digests + 1] = request.digest
      owners[#owners + 1] = request.id
    end
  end
  remember_done(ids)
  redis.call('HDEL', MSG, unpack(ids))
  if #known > 0 then
    redis.call('HDEL', META, unpack(known))
    redis.pcall('ZREM', FAILED, unpack(known))
    redis.pcall('ZREM', HELD, unpack(known))
    redis.pcall('ZREM', AGED, unpack(known))
    redis.pcall('ZREM', UNKNOWN, unpack(known))
  end
  if #digests == 0 then return entries end
  for at, entry in ipairs(redis.call('HMGET', KEY, unpack(digests))) do
    entries[digests[at]] = entry
    if entry and string.sub(entry, 1, 14) == owners[at] then freed[#freed + 1] = digests[at] end
  end
  if #freed > 0 then redis.call('HDEL', KEY, unpack(freed)) end
  return entries
end
