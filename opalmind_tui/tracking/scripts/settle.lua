-- Apply fates. ARGV: token, TTL of records (s), then of each request its id, fate, delay (us), status, error, 1 if it
-- costs an attempt, 1 if the outcome is unknown, digest of its key, record. KEYS from 2 on: where the records go.
-- Answers: done, late, lost. A request is settled by who holds its token, wherever it stands by now; the first write is
-- ZREM, so that a full server drains.
local token, ttl, now = ARGV[1], ARGV[2], clock()
local items = {}
for at = 3, #ARGV, 9 do
  table.insert(items, {id = ARGV[at], fate = ARGV[at + 1], delay = tonumber(ARGV[at + 2]),
    status = tonumber(ARGV[at + 3]), error = ARGV[at + 4], costs = ARGV[at + 5] == '1',
    unknown = ARGV[at + 6] == '1', digest = ARGV[at + 7], record = ARGV[at + 8]})
end
local COUNTED = {delivered = 'delivered', rejected = 'rejected', dropped = 'dropped', retry = 'retried'}
local counters, last, finished, settled = {late = 0, unknown = 0}, {}, {}, {}
local done, late, lost, names = 0, 0, 0, 1

local function count(name)
  if name then counters[name] = (counters[name] or 0) + 1 end
end

local function failed(item, meta, score)
  if item.costs then meta.attempts = meta.attempts + 1 end
  if item.unknown then
    meta.unknown = meta.unknown + 1
    count('unknown')
  end
  note(meta, score, item.status, item.error)
  meta.token = ''
  redis.call('ZADD', FAILED, int(score), item.id)
end

local function put_off(item, meta, score)
  failed(item, meta, score)
  meta.due = int(score + item.delay)
  redis.call('ZADD', due_of(item.id), meta.due, item.id)
  redis.call('ZADD', AGED, meta.accepted, item.id)
  save_meta(item.id, meta)
  last.last_retry_at, last.last_backoff = int(now), int(item.delay)
end

local function bury(item, meta, score)
  failed(item, meta, score)
  redis.call('ZADD', DEAD, int(score), item.id)
  redis.call('ZREM', AGED, item.id)
  save_meta(item.id, meta)
end

-- Our record names the payload, so that another one under the same key is a conflict.
local function write_record(item, name)
  local entry, record = redis.call('HGET', KEY, item.digest), item.record
  local parsed = table_of(record)
  if parsed and parsed.key and not parsed.fingerprint and entry and string.sub(entry, 1, 14) == item.id then
    record = string.sub(record, 1, -2) .. ',"fingerprint":' .. cjson.encode(string.sub(entry, 15)) .. '}'
  end
  redis.call('SET', name, record, 'EX', ttl)
end

for at, item in ipairs(items) do
  local name
  if item.record ~= '' then
    names = names + 1
    name = KEYS[names]
  end
  local meta = meta_under(token, item.id)
  local place = meta and place_of(item.id)
  if place then
    -- Of requests settled together the first stays before the others, and none lies ahead of now.
    local score = now - #items + at
    redis.call('ZREM', place, item.id)
    if place == INFLIGHT then
      done = done + 1
    else
      late = late + 1
      item.unknown = false
    end
    if item.fate == 'retry' then
      put_off(item, meta, score)
    elseif item.fate == 'dead' then
      bury(item, meta, score)
    else
      table.insert(finished, item)
      if name then write_record(item, name) end
    end
    count(COUNTED[item.fate])
    if item.error ~= '' then
      last.last_error, last.last_error_at, last.last_status = item.error, int(now), tostring(item.status or '')
    end
  else
    lost = lost + 1
  end
  settled[item.id] = true
end

open_way()
forget(finished)
local batch = batch_of(token)
if batch then
  local left = {}
  for _, id in ipairs(batch.ids) do
    if not settled[id] then table.insert(left, id) end
  end
  if #left == 0 then
    end_claim(token, batch.shards)
  elseif #left < #batch.ids then
    batch.ids = left
    redis.call('HSET', BATCH, token, cjson.encode(batch))
  end
end
for name, value in pairs(last) do redis.call('HSET', LEDGER, name, value) end
counters.late = late
add_to_ledger(counters)
return {done, late, lost}
