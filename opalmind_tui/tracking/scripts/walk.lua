-- A step through a list. ARGV: tab, most requests, then the cursor: set, score, id (all '' at the beginning), then the
-- last moment ('' for no bound) at which those that are wanted came into the list. Lists that begin with the newest are
-- gone through in that order, the due sets one after the other. Answers the next cursor ('' at the end), how many were
-- looked at, now, then what `show` adds of each.
local tab, limit, now = ARGV[1], tonumber(ARGV[2]), clock()
local waiting = tab == 'pending' or tab == 'scheduled'
local low = tab == 'scheduled' and '(' .. int(now) or '-inf'
local high = tab == 'pending' and int(now) or '+inf'
local descending = not waiting and tab ~= 'inflight'
if descending and ARGV[6] ~= '' then high = ARGV[6] end

local function names()
  if not waiting then return {tab} end
  local found = {}
  for _, code in ipairs(codes()) do
    for at = 1, #SHARDS do found[#found + 1] = 'due:' .. code .. string.sub(SHARDS, at, at) end
  end
  table.sort(found)
  return found
end

-- Whether a request stands in the set that is gone through; the others only name it.
local stands_there = tab ~= 'failed' and tab ~= 'unknown'
local cursor, ids, places, scores = '', {}, {}, {}
for _, name in ipairs(names()) do
  if name >= ARGV[3] and #ids < limit then
    local here = name == ARGV[3]
    local found, last, known = page(P .. name, low, high, here and ARGV[4] or '', here and ARGV[5] or '', limit - #ids, descending)
    for at, id in ipairs(found) do
      ids[#ids + 1] = id
      if stands_there then places[id], scores[id] = P .. name, tonumber(known[at]) end
    end
    if #ids == limit then cursor = cursor_after(name, last, ids[#ids]) end
  end
end
local answers = {cursor, #ids, int(now)}
show(answers, ids, places, scores)
return answers
