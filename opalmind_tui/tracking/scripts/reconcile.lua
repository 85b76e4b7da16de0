-- One step of a walk over all that is stored. ARGV: part ('' at the beginning), scan cursor, how many entries (see
-- REQUEST), recoveries after which a request is dead, 1 where what was posted shall not be sent again. Answers: next part
-- ('' at the end), scan cursor, returned, missing.
local part, scan, left, most, once = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5] == '1'
local now = clock()
local returned, missing = 0, 0

local function parts()
  local found = {'msg', 'key', 'meta', 'batch', 'inflight', 'dead', 'failed', 'aged',
                 'trash', 'rejected', 'aside', 'aside-key', 'unknown', 'held', 'settled'}
  for _, code in ipairs(codes()) do
    for at = 1, #SHARDS do table.insert(found, 'due:' .. code .. string.sub(SHARDS, at, at)) end
  end
  return found
end

-- Whether it is in the trash or among the rejected; put back there where only the note of it was left.
local function kept_aside(id)
  if aside_of(id) then return true end
  local kept = aside_from(redis.call('HGET', ASIDE, id))
  if kept then redis.call('ZADD', P .. kept.set, kept.moment, id) end
  return kept ~= nil
end

-- What only lists and figures read.
local function note_again(id, meta)
  local place, score = place_of(id)
  if not place then return end
  if meta.unknown > 0 then redis.pcall('ZADD', UNKNOWN, 'NX', int(now), id) end
  if meta.failed ~= '0' then redis.pcall('ZADD', FAILED, 'NX', meta.failed, id) end
  if place ~= due_of(id) then return end
  if is_held(meta.error) then redis.pcall('ZADD', HELD, 'NX', int(now), id) end
  if int(score) ~= meta.accepted then redis.pcall('ZADD', AGED, 'NX', meta.accepted, id) end
end

-- Whether a request that stands in no set was posted. Without the claim that had it nobody can know.
local function stray_may_be_posted(id, meta)
  local token = meta.token ~= '' and meta.token or holder_of(id, now)
  local batch = token ~= '' and batch_of(token)
  if batch then return may_be_posted(batch) end
  return once and token ~= ''
end

local function look_at_request(id)
  if not is_id(id) then return end
  local place, score = place_of(id)
  local meta = meta_from(redis.call('HGET', META, id), score or now)
  if place == INFLIGHT and meta.token == '' then meta.token = holder_of(id, now) end
  local stray = not place and not kept_aside(id)
  if place == INFLIGHT and not held_by_claim(id, meta.token) or stray and stray_may_be_posted(id, meta) then
    recover(id, meta, true, most, now, once)
    add_to_ledger({recovered = 1, unknown = 1})
    returned = returned + 1
  elseif stray then
    meta.due = meta.accepted
    redis.call('ZADD', due_of(id), meta.due, id)
    save_meta(id, meta)
    returned = returned + 1
  end
  note_again(id, meta)
  redis.call('HSETNX', ENDPOINTS, string.sub(id, 1, 2), UNKNOWN_URL)
end

local function stored(id)
  return redis.call('HEXISTS', MSG, id) == 1
end

-- Without its body nobody can look at it or restore it; the ledger counted it when it left the queue.
local function look_at_kept(id)
  if not stored(id) or place_of(id) then redis.call('ZREM', P .. part, id) end
  if not stored(id) then redis.call('HDEL', META, id) end
end

-- What to do with each entry of a part: name, value or score.
local LOOK = {
  msg = look_at_request,
  key = function(name, entry) if not stored(string.sub(entry, 1, 14)) then redis.call('HDEL', KEY, name) end end,
  meta = function(id) if not stored(id) and not place_of(id) then redis.call('HDEL', META, id) end end,
  batch = function(token) if not redis.call('ZSCORE', CLAIM, token) then redis.call('HDEL', BATCH, token) end end,
  failed = function(id) if not stored(id) then redis.pcall('ZREM', FAILED, id) end end,
  aged = function(id) if not stored(id) then redis.pcall('ZREM', AGED, id) end end,
  unknown = function(id) if not stored(id) or not place_of(id) then redis.pcall('ZREM', UNKNOWN, id) end end,
  held = function(id) if not stored(id) or not place_of(id) then redis.pcall('ZREM', HELD, id) end end,
  aside = function(id) if not stored(id) or place_of(id) then redis.call('HDEL', ASIDE, id) end end,
  trash = look_at_kept,
  rejected = look_at_kept,
  settled = function(process, entry) if is_long_settled(entry, now) then redis.call('HDEL', SETTLED, process) end end,
  ['aside-key'] = function(name, id) if not aside_of(id) then redis.pcall('HDEL', ASIDE_KEY, name) end end,
}
local HASHES = {settled = true, msg = true, key = true, meta = true, batch = true, aside = true, ['aside-key'] = true}

local function look_at_place(id)
  if stored(id) then return end
  redis.call('ZREM', P .. part, id)
  redis.call('HDEL', META, id)
  missing = missing + 1
end

-- What an entry is worth: a request is looked at from all sides, of others one thing is asked. To look costs, too, where
-- there is nothing.
local REQUEST, ENTRY, NOTHING = 4, 1, 1

local function look_at_some()
  local worth = part == 'msg' and REQUEST or ENTRY
  local number = math.max(1, math.floor(left / worth))
  local found = redis.call(HASHES[part] and 'HSCAN' or 'ZSCAN', P .. part, scan, 'COUNT', number)
  local look = LOOK[part] or look_at_place
  for at = 1, #found[2], 2 do look(found[2][at], found[2][at + 1]) end
  scan, left = found[1], left - NOTHING - worth * #found[2] / 2
end

local all, at = parts(), 1
while part ~= '' and all[at] and all[at] ~= part do at = at + 1 end
open_way()
while all[at] and left > 0 do
  part = all[at]
  look_at_some()
  if scan == '0' then at = at + 1 end
end
if missing > 0 then add_to_ledger({missing = missing}) end
return {all[at] or '', scan, returned, missing}
