-- Who may come in: what stands under a request's idempotency key, as a record and in the queue.
local LONGEST_RECORD = 65536

-- The fingerprint of a delivered request's record ('' where a service wrote it), or nil where no such record is.
local function recorded(name, prefix_length)
  local text = redis.pcall('GETRANGE', name, 0, LONGEST_RECORD)
  if type(text) ~= 'string' or #text > LONGEST_RECORD then return nil end
  local record = table_of(text)
  if not record or record.key ~= string.sub(name, prefix_length + 1) then return nil end
  if type(record.value) ~= 'table' or record.value.ok ~= true then return nil end
  return type(record.fingerprint) == 'string' and record.fingerprint or ''
end

-- 'accepted', 'duplicate' or 'conflict', and the id that is queued under the key (itself: this one is queued already).
local function standing(request, entry, fingerprint)
  local held = entry and string.sub(entry, 1, 14)
  if held == request.id and redis.call('HEXISTS', MSG, held) == 1 then return 'accepted', held end
  if fingerprint then
    return (fingerprint == '' or fingerprint == request.fingerprint) and 'duplicate' or 'conflict', ''
  end
  if not held or redis.call('HEXISTS', MSG, held) == 0 then return 'accepted', '' end
  if string.sub(entry, 15) == request.fingerprint then return 'duplicate', held end
  return 'conflict', ''
end

-- Read the idempotency records (KEYS from 2 on) and the key index for all requests at once.
local function look_up(requests, prefix_length)
  local digests, records = {}, {}
  for _, request in ipairs(requests) do
    if request.digest ~= '' then digests[#digests + 1] = request.digest end
  end
  if #digests == 0 then return {}, records end
  if #KEYS > 1 and redis.call('EXISTS', unpack(KEYS, 2)) > 0 then
    for at, digest in ipairs(digests) do records[digest] = recorded(KEYS[at + 1], prefix_length) end
  end
  local entries = {}
  for at, entry in ipairs(redis.call('HMGET', KEY, unpack(digests))) do entries[digests[at]] = entry end
  return entries, records
end
