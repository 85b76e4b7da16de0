-- Take over what a process's memory accepted. ARGV: url, candidates, epoch, what is told of records, then of each
-- request its id, body, digest ('' without key), fingerprint, accepted (us), attempts, status, error,
-- 1 if its outcome is unknown, 1 if it is dead. KEYS from 2 on: a record for each key. Answers: code, then outcome and
-- id of each. What conflicts was accepted all the same: it is kept, dead, for somebody to decide.
local code, known = code_of_endpoint()
local requests, now = {}, clock()
for at = 5, #ARGV, 10 do
  table.insert(requests, {id = code .. string.sub(ARGV[at], 3), body = ARGV[at + 1], digest = ARGV[at + 2],
    fingerprint = ARGV[at + 3], accepted = tonumber(ARGV[at + 4]), attempts = tonumber(ARGV[at + 5]),
    status = tonumber(ARGV[at + 6]), error = ARGV[at + 7], unknown = tonumber(ARGV[at + 8]),
    dead = ARGV[at + 9] == '1'})
end
local digests = {}
for _, request in ipairs(requests) do
  if request.digest ~= '' then digests[#digests + 1] = request.digest end
end
local entries, records = look_up(digests, ARGV[4])
local last = tonumber(redis.call('HGET', LEDGER, 'last')) or 0
local counters = {accepted = 0, duplicates = 0, conflicts = 0}
local answers = {code}

local function is_done(id)
  return redis.call('SISMEMBER', DONE, id) == 1 or redis.call('SISMEMBER', DONE_BEFORE, id) == 1
end

local ids = {}
for at, request in ipairs(requests) do ids[at] = request.id end
sound(due_sets_of(ids), {MSG, META, KEY})
sound({DEAD}, {})
is_done('')

-- Its own acceptance time, moved on where another of its shard has the very same.
local function score_of(request)
  local score, place = math.min(request.accepted, now), due_of(request.id)
  while redis.call('ZCOUNT', place, int(score), int(score)) > 0 do score = score + 1 end
  return score
end

local function store(request, score, moment)
  local meta = new_meta(score)
  meta.attempts, meta.unknown = request.attempts, request.unknown
  if request.error ~= '' or request.status then
    note(meta, moment, request.status, request.error)
    redis.pcall('ZADD', FAILED, int(moment), request.id)
  end
  if request.dead then
    redis.call('ZADD', DEAD, int(moment), request.id)
    redis.pcall('ZADD', FAILED, int(moment), request.id)
  else
    redis.call('ZADD', due_of(request.id), int(score), request.id)
  end
  if meta.unknown > 0 then redis.pcall('ZADD', UNKNOWN, int(moment), request.id) end
  if request.dead or meta.attempts + meta.unknown > 0 or meta.failed ~= '0' then save_meta(request.id, meta) end
end

local function take_in(request, keyed, moment)
  if redis.call('HSETNX', MSG, request.id, request.body) == 0 then return end
  local score = score_of(request)
  last = math.max(last, score)
  store(request, score, moment)
  if keyed then
    entries[request.digest] = request.id .. request.fingerprint
    redis.call('HSET', KEY, request.digest, entries[request.digest])
  end
  counters.accepted = counters.accepted + 1
end

for at, request in ipairs(requests) do
  local outcome, id = 'accepted', ''
  local known_already = redis.call('HEXISTS', MSG, request.id) == 1
  if request.digest ~= '' and not known_already then
    local mine = request.id .. request.fingerprint
    outcome, id = standing(mine, entries[request.digest], records[request.digest], {})
  end
  -- Settled for good meanwhile: its first acceptance was counted, only the answer to it was lost.
  known_already = known_already or outcome ~= 'duplicate' and is_done(request.id)
  if outcome == 'duplicate' then
    counters.duplicates = counters.duplicates + 1
  elseif not known_already then
    if outcome == 'conflict' then
      request.dead, request.error = true, 'its idempotency key was taken by another payload while Redis was away'
      counters.conflicts = counters.conflicts + 1
    end
    take_in(request, request.digest ~= '' and outcome == 'accepted', now - #requests + at)
    id = request.id
  else
    id = request.id
  end
  table.insert(answers, outcome)
  table.insert(answers, id)
end

if counters.accepted > 0 then
  if not known then register_endpoint(code) end
  redis.call('HSETNX', LEDGER, 'epoch', ARGV[3])
  redis.call('HSET', LEDGER, 'last', int(last))
end
open_way()
if counters.accepted > 0 then wake(code) end
add_to_ledger(counters)
return answers
