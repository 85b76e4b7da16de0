-- Bring requests back from the trash. ARGV: what is told of records, then of each its id and digest of its key.
-- KEYS from 2 on: a record for each key. Answers how many came back, then the ids whose key was taken meanwhile.
local now, digests, ids = clock(), {}, {}
for at = 2, #ARGV, 2 do
  ids[#ids + 1] = ARGV[at]
  if ARGV[at + 1] ~= '' then digests[#digests + 1] = ARGV[at + 1] end
end
local entries, records = look_up(digests, ARGV[1])
sound({DEAD}, {MSG, META, KEY, ASIDE})
local places, scores = {}, {}
add_places(ids, places, scores)
local inside = redis.call('ZMSCORE', TRASH, unpack(ids))
local noted, metas = redis.call('HMGET', ASIDE, unpack(ids)), metas_of(ids)
local back, notes, seen, taken, index = {}, {}, {}, {}, {}

local function is_taken(kept)
  if not kept.owned then return false end
  local entry = entries[kept.digest]
  return records[kept.digest] or entry and redis.call('HEXISTS', MSG, string.sub(entry, 1, 14)) == 1
end

local function put_back(id, kept, meta)
  local score = kept.score or meta and meta.due or int(now)
  take(TRASH, id)
  put(kept.from == 'dead' and DEAD or due_of(id), score, id)
  if not meta then return end
  if kept.from == 'due' and is_held(meta.error) then put(HELD, int(now), id) end
  if meta.failed ~= '0' then put(FAILED, meta.failed, id) end
  if meta.unknown > 0 then put(UNKNOWN, int(now), id) end
  if kept.from == 'due' and meta.accepted ~= score then put(AGED, meta.accepted, id) end
end

for at, id in ipairs(ids) do
  if not seen[id] and inside[at] and not places[id] and redis.call('HEXISTS', MSG, id) == 1 then
    seen[id] = true
    -- Where the note of it was lost, it is due again, without its key.
    local kept = aside_from(noted[at]) or {from = 'due'}
    if is_taken(kept) then
      taken[#taken + 1] = id
    else
      if kept.owned then
        entries[kept.digest] = id .. kept.fingerprint
        index[#index + 1] = kept.digest
        index[#index + 1] = entries[kept.digest]
      end
      put_back(id, kept, metas[at] and meta_from(metas[at], now))
      notes[#notes + 1] = noted[at]
      back[#back + 1] = id
    end
  end
end

sound(due_sets_of(back), {})
open_way()
if #index > 0 then redis.call('HSET', KEY, unpack(index)) end
write_gathered()
if #back > 0 then clear_aside(back, notes) end
wake_for(back)
add_to_ledger({purged = -#back})
return {#back, unpack(taken)}
