-- Apply fates. ARGV: token, TTL of records (s), name of the process, its key in SETTLED, how many settlements it was told of
-- there, of which epoch, then rows for the list of the delivered as JSON, how many, and what `told` reads. KEYS from 2 on:
-- where the records go; on a Cluster they are written before, and none is given. Answers: done, late, lost, settlements that
-- are counted now, of them forgotten before, epoch.
-- A request is settled by who holds its token, wherever it stands by now. What was delivered leaves even the trash.
-- Nearly all are delivered and leased to us: what is done for each of these is done for 200 of them in a script.
local token, ttl, worker, now = ARGV[1], ARGV[2], ARGV[3], clock()
local now_text = int(now)
local COUNTED = {delivered = 'delivered', rejected = 'rejected', dropped = 'dropped', retry = 'retried'}
local metas, leased = metas_of(ids), redis.call('ZMSCORE', INFLIGHT, unpack(ids))
local counters, last, mine = {late = 0, unknown = 0}, {}, {}
-- Of each id whether it was ours to settle.
local settled = {}
local out, out_digests, out_tried, out_at, refused = {}, {}, {}, {}, {}
local lost = 0

local batch, named = batch_of(token), nil

-- They come in the order in which they were claimed, as a rule.
local function is_named(id, at)
  if batch.ids[at] == id then return true end
  if not named then
    named = {}
    for _, held in ipairs(batch.ids) do named[held] = true end
  end
  return named[id]
end

-- Of a first attempt nothing is stored but its body: it is ours if our batch names it, or if the batch is lost, but its
-- visitors are leased to us.
local function leased_to_us(id, at)
  if batch then return is_named(id, at) end
  return token ~= '' and redis.call('HGET', SHARD, string.sub(id, 1, 3)) == token
end

-- Compared as text, which is much faster than to decode it; no stored text can hold these quotes unescaped.
local mark = '"token":"' .. token .. '"'
local function place_if_ours(id, at, fate)
  local meta, is_leased = metas[at], leased[at]
  local ours = meta and token ~= '' and string.find(meta, mark, 1, true)
  if is_leased then return (ours or not meta and leased_to_us(id, at)) and INFLIGHT end
  if ours then return place_of(id) or fate == 'delivered' and redis.call('ZSCORE', TRASH, id) and TRASH end
  -- It waits, and nobody has it: a store that was set back does not know our claim any more.
  local due = due_of(id)
  return fate == 'delivered' and token ~= '' and redis.call('ZSCORE', due, id) and due
end

-- It is delivered: all that is kept of it goes.
local function finish(at)
  local next = #out + 1
  out[next], out_digests[next], out_at[next] = ids[at], digests[at], at
  if metas[at] then out_tried[#out_tried + 1] = ids[at] end
end

-- Nearly always a whole claim was delivered, in order, at the first attempt: that is seen at once.
local function is_whole_claim()
  if not batch or next(items) or #ids ~= #batch.ids then return false end
  if table.concat(ids, ' ') ~= table.concat(batch.ids, ' ') then return false end
  for at = 1, #ids do
    if not leased[at] or metas[at] then return false end
  end
  return true
end

local taken_out, whole = {}, is_whole_claim()
if whole then out, out_digests, taken_out = ids, digests, ids end
for at, id in ipairs(whole and {} or ids) do
  local item = items[at]
  local place = settled[id] == nil and place_if_ours(id, at, item and item.fate or 'delivered')
  if not place then
    settled[id] = settled[id] or false
    lost = lost + 1
  else
    settled[id] = true
    if place == INFLIGHT then taken_out[#taken_out + 1] = id end
    if place ~= INFLIGHT or item then
      item = item or item_at(at)
      item.place, item.meta, item.leased, item.fresh = place, metas[at], leased[at], not metas[at]
      -- Of requests settled together the first stays before the others, and none lies ahead of now.
      item.score = now - #ids + at
      mine[#mine + 1] = item
    else
      finish(at)
    end
  end
end

local function sound_for(items)
  local later, others = {}, {}
  for _, item in ipairs(items) do
    others[item.fate] = true
    if item.place == TRASH then others[TRASH] = true end
    if item.fate == 'retry' or item.fate == 'unsent' then later[#later + 1] = item.id end
  end
  sound(due_sets_of(later), {MSG, KEY})
  if others.dead then sound({DEAD}, {}) end
  if others.rejected then sound({REJECTED}, {ASIDE}) end
  if others[TRASH] then sound({}, {META, ASIDE}) end
end

local function take_out()
  for _, item in ipairs(mine) do
    if item.place ~= INFLIGHT then
      redis.call('ZREM', item.place, item.id)
      counters.late = counters.late + 1
    end
  end
  if #taken_out > 0 then redis.call('ZREM', INFLIGHT, unpack(taken_out)) end
end

local function flagged(item, letter)
  return string.find(item.flags, letter, 1, true)
end

-- Our record names the payload, so that another one under the same key is a conflict.
local function write_record(at, entry)
  local item, begin = items[at], begins[at]
  local number, head = item and item.ending or 1, item and '' or '{"key":'
  if not entry or signed[number] or item and string.find(begin, '"fingerprint":', 1, true) then
    redis.call('SETEX', names[at], ttl, head .. begin .. ends[number] .. '}')
    return
  end
  local payload = string.sub(entry, 15)
  if string.find(payload, '%W') then payload = string.sub(cjson.encode(payload), 2, -2) end
  redis.call('SETEX', names[at], ttl, head .. begin .. ends[number] .. ',"fingerprint":"' .. payload .. '"}')
end

-- Its key was freed when it was purged: it has a record only if that is still so.
local function leave_trash(item)
  local kept = aside_from(redis.call('HGET', ASIDE, item.id))
  drop_aside('trash', {item.id})
  counters.purged = (counters.purged or 0) - 1
  if names[item.at] and kept and kept.owned and redis.call('HEXISTS', KEY, item.digest) == 0 then
    write_record(item.at, item.id .. kept.fingerprint)
  end
end

-- A rate that cannot be read or written now limits the next claim, and must not hold back what was delivered.
local function free_hits()
  local code, free = nil, 0
  for _, item in ipairs(mine) do
    if item.flags ~= '' and item.place == INFLIGHT and flagged(item, 'n') then code, free = string.sub(item.id, 1, 2), free + 1 end
  end
  if free == 0 then return end
  pcall(give_hits_back, code, free, now)
end

local function count_held(item, before)
  if item.fate == 'retry' and is_held(item.error) then
    put(HELD, int(item.score), item.id)
  elseif is_held(before) then
    redis.pcall('ZREM', HELD, item.id)
  end
end

-- Marked as posted though it never was: as if it had not been claimed, so that a visitor's hits keep their order.
local function give_back(item)
  if item.fresh then
    put(due_of(item.id), item.leased, item.id)
    return
  end
  local meta = meta_from(item.meta, now)
  meta.token = ''
  put(due_of(item.id), meta.due, item.id)
  put_meta(item.id, meta)
end

local function meta_after(item)
  local meta = meta_from(item.meta, tonumber(item.leased or now))
  if flagged(item, 'c') then meta.attempts = meta.attempts + 1 end
  if flagged(item, 'a') then meta.alone = int(now) end
  count_held(item, meta.error)
  local delay = item.fate == 'retry' and math.floor(item.delay / 1000) or nil
  note(meta, item.score, tonumber(item.status), item.error, worker, delay)
  meta.token = ''
  return meta
end

local function fail(item)
  local meta = meta_after(item)
  -- Once, by the reaper or here.
  if flagged(item, 'u') and item.place == INFLIGHT then
    meta.unknown = meta.unknown + 1
    counters.unknown = counters.unknown + 1
    put(UNKNOWN, int(item.score), item.id)
  end
  put(FAILED, int(item.score), item.id)
  if item.fate == 'dead' then
    put(DEAD, int(item.score), item.id)
    if not item.fresh then redis.pcall('ZREM', AGED, item.id) end
  else
    meta.due = int(item.score + item.delay)
    put(due_of(item.id), meta.due, item.id)
    put(AGED, meta.accepted, item.id)
    last.last_retry_at, last.last_backoff = int(now), item.delay
  end
  put_meta(item.id, meta)
end

local function refuse(item)
  put_meta(item.id, meta_after(item))
  refused[#refused + 1] = {id = item.id, digest = item.digest, from = 'due', score = item.score, moment = int(item.score)}
end

local function end_batch()
  local left = {}
  if not batch then return end
  if whole then return end_claim(token, batch.shards) end
  for _, id in ipairs(batch.ids) do
    if settled[id] == nil then left[#left + 1] = id end
  end
  if #left == 0 then
    end_claim(token, batch.shards)
  elseif #left < #batch.ids then
    batch.ids = left
    redis.call('HSET', BATCH, token, cjson.encode(batch))
  end
end

-- The rows of those that were ours.
local function keep_rows()
  local rows, number = ARGV[7], tonumber(ARGV[8])
  if lost > 0 and number > 0 then
    local kept = {}
    for _, row in ipairs(cjson.decode(rows)) do
      if settled[row[1]] then kept[#kept + 1] = row end
      settled[row[1]] = false
    end
    rows, number = cjson.encode(kept), #kept
  end
  keep_lately(rows, number, now)
end

sound_for(mine)
open_way()
take_out()
-- Who failed alone before this is under suspicion from now on.
if #out > 0 then last['taken:' .. string.sub(out[1], 1, 2)] = now_text end
counters.delivered = #out
for _, item in ipairs(mine) do
  local counted = COUNTED[item.fate]
  if flagged(item, 'd') then
    counters.accepted = (counters.accepted or 0) - 1
    counters.duplicates = (counters.duplicates or 0) + 1
  elseif counted then counters[counted] = (counters[counted] or 0) + 1 end
  if item.fate == 'retry' or item.fate == 'dead' then
    fail(item)
  elseif item.fate == 'rejected' then
    refuse(item)
  elseif item.fate == 'unsent' then
    give_back(item)
  else
    if item.place == TRASH then leave_trash(item) else finish(item.at) end
    if item.fate == 'delivered' then
      local code = string.sub(item.id, 1, 2)
      if not flagged(item, 'd') then last['taken:' .. code] = now_text end
      if flagged(item, 't') then last['proved:' .. code] = now_text end
    end
  end
  if item.error ~= '' then
    last.last_error, last.last_error_at, last.last_status = item.error, now_text, item.status
  end
end
write_gathered()
keep_rejected(refused)
for next, entry in ipairs(forget(out, out_digests, out_tried)) do
  local at = whole and next or out_at[next]
  if names[at] then write_record(at, entry) end
end
keep_rows()
end_batch()
free_hits()
for name, value in pairs(last) do redis.pcall('HSET', LEDGER, name, value) end
local count, forgotten, epoch = count_settled(ARGV[4], #taken_out + counters.late, tonumber(ARGV[5]), ARGV[6], now)
counters.unknown = counters.unknown + forgotten
add_to_ledger(counters)
return {#taken_out, counters.late, lost, count, forgotten, epoch}
