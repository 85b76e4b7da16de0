-- Apply fates. ARGV: token, TTL of records (s), name of the process, then of each request its id, digest of its key,
-- record, how the list of the delivered shows it ('' where it is not to), and what there is to say: '' of one that is
-- delivered, else its fate, delay (us), status or '', flags (c: it costs an attempt, u: the outcome is unknown, d: it came
-- in after its key was delivered, a: it was alone in its bulk, t: it needed the token, n: it was not posted), error, with
-- blanks between. KEYS from 2 on: where the records go; on a Cluster they are written before, and none is given. Answers:
-- done, late, lost.
-- A request is settled by who holds its token, wherever it stands by now. What was delivered leaves even the trash.
local token, ttl, worker, now = ARGV[1], ARGV[2], ARGV[3], clock()
local DELIVERED_KEPT = 10000
local COUNTED = {delivered = 'delivered', rejected = 'rejected', dropped = 'dropped', retry = 'retried'}
local items, ids, names = {}, {}, 1
for at = 4, #ARGV, 5 do
  -- With all that it will hold, for a table that grows is made anew.
  local item = {id = ARGV[at], digest = ARGV[at + 1], record = ARGV[at + 2], shown = ARGV[at + 3],
                fate = 'delivered', flags = '', error = '',
                name = false, place = false, fresh = false, leased = false, score = 0}
  if ARGV[at + 4] ~= '' then
    item.fate, item.delay, item.status, item.flags, item.error =
      string.match(ARGV[at + 4], '^(%l+) (%-?%d+) (%d*) (%l*) (.*)$')
  end
  if item.record ~= '' then
    names = names + 1
    item.name = KEYS[names]
  end
  items[#items + 1] = item
  ids[#ids + 1] = item.id
end
local metas, leased = metas_of(ids), redis.call('ZMSCORE', INFLIGHT, unpack(ids))
local counters, last, settled, mine = {late = 0, unknown = 0}, {}, {}, {}
local finished, refused, shown = {}, {}, {}
local lost = 0

local batch = batch_of(token)
local named = {}
for _, id in ipairs(batch and batch.ids or {}) do named[id] = true end

-- Of a first attempt nothing is stored but its body: it is ours if our batch names it, or if the batch is lost, but its
-- visitors are leased to us.
local function leased_to_us(id)
  if batch then return named[id] end
  return token ~= '' and redis.call('HGET', SHARD, string.sub(id, 1, 3)) == token
end

-- Compared as text, which is much faster than to decode it; no stored text can hold these quotes unescaped.
local mark = '"token":"' .. token .. '"'
local function place_if_ours(id, fate, meta, is_leased)
  if meta then
    local ours = token ~= '' and string.find(meta, mark, 1, true)
    if not ours or is_leased then return ours and INFLIGHT end
    return place_of(id) or fate == 'delivered' and redis.call('ZSCORE', TRASH, id) and TRASH
  end
  return is_leased and leased_to_us(id) and INFLIGHT
end

for at, item in ipairs(items) do
  item.place = not settled[item.id] and place_if_ours(item.id, item.fate, metas[at], leased[at])
  settled[item.id] = true
  if item.place then
    item.meta, item.fresh = metas[at], not metas[at]
    item.leased = leased[at]
    -- Of requests settled together the first stays before the others, and none lies ahead of now.
    item.score = now - #items + at
    mine[#mine + 1] = item
  else
    lost = lost + 1
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
  local together = {}
  for _, item in ipairs(mine) do
    if item.place == INFLIGHT then
      together[#together + 1] = item.id
    else
      redis.call('ZREM', item.place, item.id)
      counters.late = counters.late + 1
    end
  end
  if #together > 0 then redis.call('ZREM', INFLIGHT, unpack(together)) end
end

local function flagged(item, letter)
  return string.find(item.flags, letter, 1, true)
end

-- Our record names the payload, so that another one under the same key is a conflict.
local function write_record(item, entry)
  local record = item.record
  if entry and string.sub(entry, 1, 14) == item.id and not string.find(record, '"fingerprint":', 1, true) then
    record = string.sub(record, 1, -2) .. ',"fingerprint":' .. cjson.encode(string.sub(entry, 15)) .. '}'
  end
  redis.call('SET', item.name, record, 'EX', ttl)
end

-- Its key was freed when it was purged: it has a record only if that is still so.
local function leave_trash(item)
  local kept = aside_from(redis.call('HGET', ASIDE, item.id))
  drop_aside('trash', {item.id})
  counters.purged = (counters.purged or 0) - 1
  if item.name and kept and kept.owned and redis.call('HEXISTS', KEY, item.digest) == 0 then
    write_record(item, item.id .. kept.fingerprint)
  end
end

-- A rate that cannot be read or written now limits the next claim, and must not hold back what was delivered.
local function free_hits()
  local code, free = nil, 0
  for _, item in ipairs(mine) do
    if item.flags ~= '' and item.place == INFLIGHT and flagged(item, 'n') then code, free = string.sub(item.id, 1, 2), free + 1 end
  end
  if free == 0 then return end
  pcall(function()
    local _, rate = control_of(code, now)
    if rate then take_hits(code, rate, -free, now) end
  end)
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
  for _, id in ipairs(batch.ids) do
    if not settled[id] then left[#left + 1] = id end
  end
  if #left == 0 then
    end_claim(token, batch.shards)
  elseif #left < #batch.ids then
    batch.ids = left
    redis.call('HSET', BATCH, token, cjson.encode(batch))
  end
end

local function keep_shown()
  if #shown == 0 then return end
  redis.pcall('LPUSH', DELIVERED, unpack(shown))
  redis.pcall('LTRIM', DELIVERED, 0, DELIVERED_KEPT - 1)
end

sound_for(mine)
local now_text, taken_by = int(now), {}
open_way()
take_out()
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
    if item.place == TRASH then leave_trash(item) else finished[#finished + 1] = item end
    -- Who failed alone before this is under suspicion from now on.
    if item.fate == 'delivered' then
      local code = string.sub(item.id, 1, 2)
      if not flagged(item, 'd') then
        taken_by[code] = true
        if item.shown ~= '' then shown[#shown + 1] = item.id .. now_text .. item.shown end
      end
      if flagged(item, 't') then last['proved:' .. code] = now_text end
    end
  end
  if item.error ~= '' then
    last.last_error, last.last_error_at, last.last_status = item.error, now_text, item.status
  end
end
for code in pairs(taken_by) do last['taken:' .. code] = now_text end
write_gathered()
keep_rejected(refused)
local entries = forget(finished)
for at, item in ipairs(finished) do
  if item.name then write_record(item, entries[item.digest]) end
end
keep_shown()
end_batch()
free_hits()
for name, value in pairs(last) do redis.pcall('HSET', LEDGER, name, value) end
add_to_ledger(counters)
return {#mine - counters.late, counters.late, lost}
