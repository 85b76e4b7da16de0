-- Names and helpers that every script shares. KEYS[1] is the queue's prefix with its hash tag: all keys begin with it.
-- Moments are whole microseconds; as text where they are stored, for cjson keeps 14 digits of a number.
local P = KEYS[1]
local MSG, META, KEY = P .. 'msg', P .. 'meta', P .. 'key'
local INFLIGHT, DEAD, FAILED, AGED = P .. 'inflight', P .. 'dead', P .. 'failed', P .. 'aged'
local UNKNOWN, HELD = P .. 'unknown', P .. 'held'
local TRASH, REJECTED = P .. 'trash', P .. 'rejected'
local LATELY = P .. 'lately'
local ASIDE, ASIDE_KEY = P .. 'aside', P .. 'aside-key'
local DONE, DONE_BEFORE = P .. 'done:now', P .. 'done:before'
local SETTLED = P .. 'settled'
local CLAIM, BATCH, SHARD = P .. 'claim', P .. 'batch', P .. 'shard'
local GATE, CONTROL, ENDPOINTS, LEDGER = P .. 'gate', P .. 'control', P .. 'endpoints', P .. 'ledger'
local SHARDS = '0123456789ABCDEF'
local UNKNOWN_URL = '?'

local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

-- Whole numbers as text; what a stranger stored may be infinite.
local function int(number)
  return string.format('%.0f', number)
end

-- At the memory limit a script is refused at its first write if that may grow; once anything was written it may go on.
local function open_way()
  redis.pcall('HDEL', LEDGER, '')
end

local function is_id(name)
  return #name == 14 and string.match(name, '^%w+$')
end

local function due_of(id)
  return P .. 'due:' .. string.sub(id, 1, 3)
end

-- Stop before the first write where a key was overwritten with another type: half of a change would lose what it moves.
-- Writes to what only lists and figures read (failed, aged, held, unknown, done, aside-key) are tried, and need no such
-- test: requests go their way without them, whoever reads them says what is wrong, the reconciler fills them anew.
local function sound(zsets, hashes)
  for _, name in ipairs(zsets) do redis.call('ZCARD', name) end
  for _, name in ipairs(hashes) do redis.call('HLEN', name) end
end

local function due_sets_of(ids)
  local sets, seen = {}, {}
  for _, id in ipairs(ids) do
    local place = due_of(id)
    if not seen[place] then sets[#sets + 1] = place end
    seen[place] = true
  end
  return sets
end

local function table_of(text)
  local fine, value = pcall(cjson.decode, text or '')
  return fine and type(value) == 'table' and value or nil
end

-- The set in which a request stands: in flight, due, or dead; and its score there.
local function place_of(id)
  for _, place in ipairs({INFLIGHT, due_of(id), DEAD}) do
    local score = redis.call('ZSCORE', place, id)
    if score then return place, tonumber(score) end
  end
end

-- The set in which a request that left the queue is kept: trash or rejected; and its score there.
local function aside_of(id)
  for _, place in ipairs({TRASH, REJECTED}) do
    local score = redis.call('ZSCORE', place, id)
    if score then return place, tonumber(score) end
  end
end

local function new_meta(accepted)
  return {token = '', accepted = int(accepted), due = int(accepted), attempts = 0, recovered = 0, unknown = 0,
          error = '', failed = '0', alone = '0', history = {}}
end

local function is_count(value)
  return type(value) == 'number' and value >= 0 and value < 1e9
end

local HISTORY_KEPT = 10

local function is_failure(entry)
  return type(entry) == 'table' and #entry <= 5 and type(entry[1]) == 'string' and type(entry[3]) == 'string'
end

-- The failures noted before, without what is none: anything else could not be written back.
local function history_from(value)
  local history = {}
  if type(value) ~= 'table' then return history end
  for at = 1, math.min(#value, HISTORY_KEPT) do
    local entry = value[at]
    if is_failure(entry) then
      if not is_count(entry[2]) then entry[2] = cjson.null end
      if type(entry[4] or '') ~= 'string' then entry[4] = '' end
      entry[5] = is_count(entry[5]) and entry[5] or nil
      history[#history + 1] = entry
    end
  end
  return history
end

local function count_or_none(value)
  return is_count(value) and value or 0
end

local function text_or_none(value)
  return type(value) == 'string' and value or ''
end

local function moment_or(value, other)
  return type(value) == 'string' and #value <= 17 and string.match(value, '^%d+$') and value or other
end

-- What is stored of a request beside its body; what is missing or foreign is made anew.
local function meta_from(text, accepted)
  local found = table_of(text)
  if not found then return new_meta(accepted) end
  return {
    token = text_or_none(found.token), error = text_or_none(found.error),
    accepted = moment_or(found.accepted) or int(accepted), due = moment_or(found.due) or int(accepted),
    attempts = count_or_none(found.attempts), recovered = count_or_none(found.recovered),
    unknown = count_or_none(found.unknown), status = is_count(found.status) and found.status or nil,
    failed = moment_or(found.failed, '0'), alone = moment_or(found.alone, '0'), history = history_from(found.history),
  }
end

-- What is stored of each beside its body: of most nothing, and often of none.
local function metas_of(ids)
  if redis.call('EXISTS', META) == 0 then return {} end
  return redis.call('HMGET', META, unpack(ids))
end

local function save_meta(id, meta)
  redis.call('HSET', META, id, cjson.encode(meta))
end

-- At most 100 bytes, not ending inside a character.
local function short(text)
  if #text <= 100 then return text end
  return (string.gsub(string.sub(text, 1, 100), '[\192-\255][\128-\191]*$', ''))
end

-- A failure: the newest ten stay in the history, each with its moment, status, reason ('' for the same as before),
-- the process that tried, and the delay until the next try in ms.
local function note(meta, now, status, reason, worker, delay)
  local history, text = meta.history, short(reason)
  local said = ''
  for _, entry in ipairs(history) do
    if entry[3] ~= '' then said = entry[3] end
  end
  meta.status, meta.error, meta.failed = status, reason, int(now)
  history[#history + 1] = {int(now), status or cjson.null, text ~= said and text or '', worker or '', delay}
  while #history > HISTORY_KEPT do
    local oldest = table.remove(history, 1)
    if history[1][3] == '' then history[1][3] = oldest[3] end
  end
end

-- A reason that begins so says that the request waits for a usable token; such requests are counted.
local function is_held(reason)
  return string.sub(reason, 1, 5) == 'held:'
end

-- Comes last in a script, when what it counts has happened: a counter that is foreign begins anew, and never fails it.
local function add_to_ledger(counters)
  for name, number in pairs(counters) do
    if number ~= 0 and type(redis.pcall('HINCRBY', LEDGER, name, number)) == 'table' then
      redis.pcall('HSET', LEDGER, name, number)
    end
  end
end

local function texts_in(value)
  local texts = {}
  for _, text in ipairs(value) do
    if type(text) == 'string' then texts[#texts + 1] = text end
  end
  return texts
end

local function batch_of(token)
  local batch = table_of(redis.call('HGET', BATCH, token))
  if batch and type(batch.ids) == 'table' and type(batch.shards) == 'table' then
    return {ids = texts_in(batch.ids), shards = texts_in(batch.shards), posted = batch.posted == true,
            posting = batch.posting == true, once = batch.once == true}
  end
end

-- Should such a batch be lost, nobody knows whether Matomo has what it held.
local function may_be_posted(batch)
  return batch.posted or batch.posting
end

local function alive(token, now)
  local ends = token and redis.call('ZSCORE', CLAIM, token)
  return ends and tonumber(ends) > now
end

-- The codes of all endpoints; what a stranger wrote among them is none.
local function codes()
  local found = {}
  for _, code in ipairs(redis.call('HKEYS', ENDPOINTS)) do
    if string.match(code, '^%w%w$') then found[#found + 1] = code end
  end
  return found
end

-- The code of an endpoint (ARGV[1] is its URL, ARGV[2] its candidates, two characters each), and whether it is known.
local function code_of_endpoint()
  local free
  for at = 1, #ARGV[2], 2 do
    local code = string.sub(ARGV[2], at, at + 1)
    local held = redis.call('HGET', ENDPOINTS, code)
    if held == ARGV[1] then return code, true end
    if not free and (not held or held == UNKNOWN_URL) then free = code end
  end
  if not free then error('every code of this endpoint belongs to another one') end
  return free, false
end
