-- Requests that leave the queue: all that is kept of each {id, digest of its key}. Frees the key if it is still theirs.
local function forget(requests)
  if #requests == 0 then return end
  local ids, digests, owners, freed = {}, {}, {}, {}
  for _, request in ipairs(requests) do
    table.insert(ids, request.id)
    if request.digest ~= '' then
      table.insert(digests, request.digest)
      table.insert(owners, request.id)
    end
  end
  redis.call('HDEL', MSG, unpack(ids))
  redis.call('HDEL', META, unpack(ids))
  redis.call('ZREM', FAILED, unpack(ids))
  redis.call('ZREM', AGED, unpack(ids))
  if #digests == 0 then return end
  for at, entry in ipairs(redis.call('HMGET', KEY, unpack(digests))) do
    if entry and string.sub(entry, 1, 14) == owners[at] then table.insert(freed, digests[at]) end
  end
  if #freed > 0 then redis.call('HDEL', KEY, unpack(freed)) end
end
