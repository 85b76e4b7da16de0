-- A page of ids. ARGV: state, limit, then the cursor: set, score, id (all '' at the beginning). Answers the next cursor
-- ('' at the end) and the ids. The cursor names a place and not a rank, so that what leaves meanwhile shifts nothing.
local state, limit, now = ARGV[1], tonumber(ARGV[2]), clock()
local low = state == 'scheduled' and '(' .. int(now) or '-inf'
local high = state == 'pending' and int(now) or '+inf'

local function places()
  if state == 'inflight' or state == 'dead' then return {state} end
  local found = {}
  for _, code in ipairs(redis.call('HKEYS', ENDPOINTS)) do
    for at = 1, #SHARDS do table.insert(found, 'due:' .. code .. string.sub(SHARDS, at, at)) end
  end
  table.sort(found)
  return found
end

local function page(place, after_score, after_id, number)
  local found, from, skip = {}, after_score ~= '' and after_score or low, 0
  while #found < number do
    local part = redis.call('ZRANGEBYSCORE', P .. place, from, high, 'WITHSCORES', 'LIMIT', skip, number)
    for at = 1, #part, 2 do
      local passed = int(tonumber(part[at + 1])) == after_score and part[at] <= after_id
      if not passed and #found < number then table.insert(found, {part[at], int(tonumber(part[at + 1]))}) end
    end
    if #part < 2 * number then break end
    skip = skip + number
  end
  return found
end

local answers = {''}
for _, place in ipairs(places()) do
  if place >= ARGV[3] and #answers <= limit then
    local here = place == ARGV[3]
    local found = page(place, here and ARGV[4] or '', here and ARGV[5] or '', limit - #answers + 1)
    for _, item in ipairs(found) do table.insert(answers, item[1]) end
    if #answers > limit then answers[1] = place .. ' ' .. found[#found][2] .. ' ' .. found[#found][1] end
  end
end
return answers
