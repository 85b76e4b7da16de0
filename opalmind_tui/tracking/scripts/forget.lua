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

-- Requests that leave the queue: all that is kept of each (`tried`: those of which more is stored than the body). Frees
-- the keys that are still theirs ('' where there is none); answers what stood in the key index for each of which it
-- was the own.
local function forget(ids, digests, tried)
  if #ids == 0 then return {} end
  remember_done(ids)
  redis.call('HDEL', MSG, unpack(ids))
  if #tried > 0 then
    redis.call('HDEL', META, unpack(tried))
    redis.pcall('ZREM', FAILED, unpack(tried))
    redis.pcall('ZREM', HELD, unpack(tried))
    redis.pcall('ZREM', AGED, unpack(tried))
    redis.pcall('ZREM', UNKNOWN, unpack(tried))
  end
  local entries, freed = redis.call('HMGET', KEY, unpack(digests)), {}
  for at, entry in ipairs(entries) do
    if entry and string.find(entry, ids[at], 1, true) == 1 then
      freed[#freed + 1] = digests[at]
    else
      entries[at] = false
    end
  end
  if #freed > 0 then redis.call('HDEL', KEY, unpack(freed)) end
  return entries
end

-- The same of {id, digest}.
local function forget_each(requests)
  local ids, digests = {}, {}
  for at, request in ipairs(requests) do ids[at], digests[at] = request.id, request.digest end
  return forget(ids, digests, ids)
end
