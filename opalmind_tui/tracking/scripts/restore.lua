-- Bring requests back from the trash. ARGV: length of the record prefix, then of each its id and digest of its key.
-- KEYS from 2 on: a record for each key. Answers how many came back, then the ids whose key was taken meanwhile.
local now, digests = clock(), {}
for at = 3, #ARGV, 2 do
  if ARGV[at] ~= '' then digests[#digests + 1] = ARGV[at] end
end
local entries, records = look_up(digests, tonumber(ARGV[1]))
sound({DEAD}, {MSG, META, KEY, ASIDE})
local back, ids, notes, taken = {}, {}, {}, {}

local function is_taken(kept)
  if not kept.owned then return false end
  local entry = entries[kept.digest]
  return records[kept.digest] or entry and redis.call('HEXISTS', MSG, string.sub(entry, 1, 14)) == 1
end

for at = 2, #ARGV, 2 do
  local id = ARGV[at]
  if not ids[id] and redis.call('ZSCORE', TRASH, id) and not place_of(id) and redis.call('HEXISTS', MSG, id) == 1 then
    ids[id] = true
    local note = redis.call('HGET', ASIDE, id)
    local stored = redis.call('HGET', META, id)
    -- Where the note of it was lost, it is due again, without its key.
    local kept = aside_from(note) or {from = 'due'}
    if is_taken(kept) then
      taken[#taken + 1] = id
    else
      if kept.owned then entries[kept.digest] = id .. kept.fingerprint end
      notes[#notes + 1] = note
      back[#back + 1] = {id = id, kept = kept, meta = stored and meta_from(stored, now)}
    end
  end
end

local function put_back(id, kept, meta)
  local score = kept.score or meta and meta.due or int(now)
  if kept.owned then redis.call('HSET', KEY, kept.digest, id .. kept.fingerprint) end
  redis.call('ZREM', TRASH, id)
  redis.call('ZADD', kept.from == 'dead' and DEAD or due_of(id), score, id)
  if not meta then return end
  if kept.from == 'due' and is_held(meta.error) then redis.pcall('ZADD', HELD, int(now), id) end
  if meta.failed ~= '0' then redis.pcall('ZADD', FAILED, meta.failed, id) end
  if meta.unknown > 0 then redis.pcall('ZADD', UNKNOWN, int(now), id) end
  if kept.from == 'due' and meta.accepted ~= score then redis.pcall('ZADD', AGED, meta.accepted, id) end
end

open_way()
local moved = {}
for at, request in ipairs(back) do
  put_back(request.id, request.kept, request.meta)
  moved[at] = request.id
end
if #moved > 0 then clear_aside(moved, notes) end
for _, id in ipairs(moved) do wake(string.sub(id, 1, 2)) end
add_to_ledger({purged = -#moved})
return {#moved, unpack(taken)}
