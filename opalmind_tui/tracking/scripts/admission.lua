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

-- Of a request with a key: 'accepted', 'duplicate' or 'conflict', and the id that is queued under the key (its own: this
-- one is queued already). `mine` and `entry` are what it would write into the key index (its id and fingerprint) and
-- what stands there, `delivered` the fingerprint of the key's record, `stored` what this script knows to be stored.
local function standing(mine, entry, delivered, stored)
  local held = entry and string.sub(entry, 1, 14)
  local waits = held and (stored[held] or redis.call('HEXISTS', MSG, held) == 1)
  if waits and held == string.sub(mine, 1, 14) then return 'accepted', held end
  if delivered then
    return (delivered == '' or delivered == string.sub(mine, 15)) and 'duplicate' or 'conflict', ''
  end
  if not waits then return 'accepted', '' end
  if string.sub(entry, 15) == string.sub(mine, 15) then return 'duplicate', held end
  return 'conflict', ''
end

-- What stands under keys, by their digests: entries of the key index, and fingerprints of records. `told` is the length of
-- the record prefix, records are KEYS from 2 on; or, where they lie in other slots, what was found there: a JSON list of
-- fingerprints, false for none.
local function look_up(digests, told)
  local entries, records = {}, {}
  if #digests == 0 then return entries, records end
  local prefix_length = tonumber(told)
  if not prefix_length then
    for at, fingerprint in ipairs(cjson.decode(told)) do records[digests[at]] = fingerprint or nil end
  elseif redis.call('EXISTS', unpack(KEYS, 2)) > 0 then
    for at, digest in ipairs(digests) do records[digest] = recorded(KEYS[at + 1], prefix_length) end
  end
  for at, entry in ipairs(redis.call('HMGET', KEY, unpack(digests))) do entries[digests[at]] = entry end
  return entries, records
end
