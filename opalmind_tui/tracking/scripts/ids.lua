-- A page of ids. ARGV: state ('' for any), limit, 1 for unknown outcomes only, then the cursor: set, score, id (all ''
-- at the beginning), then the first and last moment ('' for no bound) at which those of a set came into it. Answers the
-- next cursor ('' at the end) and the ids. The cursor names a place and not a rank, so that what leaves meanwhile shifts nothing.
local state, limit, unknown, now = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1', clock()
local low = not unknown and state == 'scheduled' and '(' .. int(now) or '-inf'
local high = not unknown and state == 'pending' and int(now) or '+inf'

local SETS = {inflight = true, dead = true, trash = true, rejected = true}
if not unknown and SETS[state] and state ~= 'inflight' then
  low, high = ARGV[7] ~= '' and ARGV[7] or low, ARGV[8] ~= '' and ARGV[8] or high
end

local function places()
  if unknown then return {'unknown'} end
  if SETS[state] then return {state} end
  local found = {}
  for _, code in ipairs(codes()) do
    for at = 1, #SHARDS do table.insert(found, 'due:' .. code .. string.sub(SHARDS, at, at)) end
  end
  table.sort(found)
  return found
end

-- Of those with an unknown outcome: whether it is in the state asked for.
local function fits(id)
  if not unknown or state == '' then return true end
  local place, score = place_of(id)
  if place ~= due_of(id) then return place == P .. state end
  return state == (score <= now and 'pending' or 'scheduled')
end

local answers, read = {''}, 0
for _, place in ipairs(places()) do
  if place >= ARGV[4] and read < limit then
    local here = place == ARGV[4]
    local found, last = page(P .. place, low, high, here and ARGV[5] or '', here and ARGV[6] or '', limit - read, false)
    for _, id in ipairs(found) do
      if fits(id) then answers[#answers + 1] = id end
    end
    read = read + #found
    if read == limit then answers[1] = cursor_after(place, last, found[#found]) end
  end
end
return answers
