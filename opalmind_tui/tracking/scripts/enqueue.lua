-- Accept requests. ARGV: url, candidates, epoch, length limit, length of the record prefix, then of each request its id
-- without the endpoint's code, digest of its key ('' without), fingerprint, body. KEYS from 2 on: a record for each key.
-- Answers: code, then outcome and id of each. HSETNX comes first, so that a full server refuses the whole script.
local code, known = code_of_endpoint()
local requests = {}
for at = 6, #ARGV, 4 do
  requests[#requests + 1] =
    {id = code .. ARGV[at], digest = ARGV[at + 1], fingerprint = ARGV[at + 2], body = ARGV[at + 3]}
end
local entries, records = look_up(requests, tonumber(ARGV[5]))
local room = tonumber(ARGV[4]) - redis.call('HLEN', MSG)
local time = math.max(clock(), tonumber(redis.call('HGET', LEDGER, 'last') or 0) + 1)
local answers, index, due = {code}, {}, {}
local counters = {accepted = 0, duplicates = 0, conflicts = 0}

local function accept(request)
  if room <= 0 then return redis.call('HEXISTS', MSG, request.id) == 1 and 'accepted' or 'full' end
  if redis.call('HSETNX', MSG, request.id, request.body) == 0 then return 'accepted' end
  if request.digest ~= '' then
    entries[request.digest] = request.id .. request.fingerprint
    index[#index + 1] = request.digest
    index[#index + 1] = entries[request.digest]
  end
  local place = due_of(request.id)
  local members = due[place] or {}
  members[#members + 1] = int(time)
  members[#members + 1] = request.id
  due[place] = members
  room, time = room - 1, time + 1
  counters.accepted = counters.accepted + 1
  return 'accepted'
end

for _, request in ipairs(requests) do
  local outcome, id = 'accepted', ''
  if request.digest ~= '' then
    outcome, id = standing(request, entries[request.digest], records[request.digest])
  end
  if outcome == 'accepted' and id == '' then
    outcome = accept(request)
    id = outcome == 'accepted' and request.id or ''
  end
  if outcome == 'duplicate' then counters.duplicates = counters.duplicates + 1 end
  if outcome == 'conflict' then counters.conflicts = counters.conflicts + 1 end
  answers[#answers + 1] = outcome
  answers[#answers + 1] = id
end

for place, members in pairs(due) do redis.call('ZADD', place, unpack(members)) end
if #index > 0 then redis.call('HSET', KEY, unpack(index)) end
if counters.accepted > 0 then
  if not known then register_endpoint(code) end
  redis.call('HSETNX', LEDGER, 'epoch', ARGV[3])
  redis.call('HSET', LEDGER, 'last', int(time - 1))
  wake(code)
end
open_way()
add_to_ledger(counters)
return answers
