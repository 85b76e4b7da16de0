-- Accept requests. ARGV: url, candidates, epoch, length limit, what is told of records (see `look_up`), limit of the
-- bodies' bytes (0 for no limit), then of each request its id, body, digest of its key ('' without), fingerprint. KEYS from
-- 2 on: a record for each key. Answers: code, the outcomes as one letter each (LETTERS), the limit that refused, then of
-- each duplicate the id that is queued or ''. Refused are 'f' for the length, 'm' for the bytes, 's' for the server's own limit.
-- Bodies are written first and at once, so that a full server refuses the whole script.
local FIRST, STEP = 7, 4
local LETTERS = {accepted = 'a', duplicate = 'd', conflict = 'c'}
local MOST_AHEAD = 3600000000
local now, noted = clock(), redis.call('HMGET', LEDGER, 'last', 'server')

-- Later than any before, also when the server's clock stepped back; a foreign time far ahead counts as none.
local function acceptance_time()
  local last = tonumber(noted[1]) or 0
  return last < now + MOST_AHEAD and math.max(now, last + 1) or now
end

local code, known = code_of_endpoint()
local ids, digests, coming = {}, {}, 0
for at = FIRST, #ARGV, STEP do
  local id = ARGV[at]
  if string.sub(id, 1, 2) ~= code then id = code .. string.sub(id, 3) end
  ids[#ids + 1] = id
  coming = coming + #ARGV[at + 1]
  if ARGV[at + 2] ~= '' then digests[#digests + 1] = ARGV[at + 2] end
end
local entries, records = look_up(digests, ARGV[5])
local stored = {}
for at, body in ipairs(redis.call('HMGET', MSG, unpack(ids))) do stored[ids[at]] = body end
-- What is in the trash or rejected takes no place of the queue.
local most = tonumber(ARGV[4])
local room = most - redis.call('HLEN', MSG) + redis.call('ZCARD', TRASH) + redis.call('ZCARD', REJECTED)
if most == 0 then room = math.huge end
local time = acceptance_time()
local server, verdict = server_full(noted[2], now)
local letter, limit = fullness(tonumber(ARGV[6]), coming, server)
if letter then room = 0 else letter, limit = 'f', most end
LETTERS.full = letter
local bodies, index, due = {}, {}, {}
local counters = {accepted = 0, duplicates = 0, conflicts = 0, refused = 0}

local function accept(id, body, digest, entry)
  if stored[id] then return 'accepted' end
  if room <= 0 then
    counters.refused = counters.refused + 1
    return 'full'
  end
  stored[id] = true
  bodies[#bodies + 1] = id
  bodies[#bodies + 1] = body
  if digest ~= '' then
    entries[digest] = entry
    index[#index + 1] = digest
    index[#index + 1] = entry
  end
  local shard = string.sub(id, 1, 3)
  local members = due[shard]
  if not members then
    members = {}
    due[shard] = members
  end
  members[#members + 1] = time
  members[#members + 1] = id
  room, time = room - 1, time + 1
  counters.accepted = counters.accepted + 1
  return 'accepted'
end

local letters, answers = {}, {code, '', int(limit)}
for at, id in ipairs(ids) do
  local first = FIRST + (at - 1) * STEP
  local digest, entry = ARGV[first + 2], id .. ARGV[first + 3]
  local outcome, held = 'accepted', ''
  -- A key of this very call may stand in `entries` by now.
  if entries[digest] or records[digest] then outcome, held = standing(entry, entries[digest], records[digest], stored) end
  if outcome == 'accepted' and held == '' then outcome = accept(id, ARGV[first + 1], digest, entry) end
  if outcome == 'duplicate' then
    counters.duplicates = counters.duplicates + 1
    answers[#answers + 1] = held
  elseif outcome == 'conflict' then
    counters.conflicts = counters.conflicts + 1
  end
  letters[at] = LETTERS[outcome]
end
answers[2] = table.concat(letters)

if #bodies > 0 then
  for shard in pairs(due) do redis.call('ZCARD', P .. 'due:' .. shard) end
  redis.call('HSET', MSG, unpack(bodies))
  for shard, members in pairs(due) do redis.call('ZADD', P .. 'due:' .. shard, unpack(members)) end
  if #index > 0 then redis.call('HSET', KEY, unpack(index)) end
  if not known then register_endpoint(code) end
  redis.call('HSETNX', LEDGER, 'epoch', ARGV[3])
  redis.call('HSET', LEDGER, 'last', int(time - 1))
  wake(code)
end
open_way()
if verdict then redis.call('HSET', LEDGER, 'server', verdict) end
if counters.refused > 0 then
  redis.call('HSET', LEDGER, 'refused_at', int(now), 'refused_by', letter .. ' ' .. int(limit))
end
add_to_ledger(counters)
return answers
