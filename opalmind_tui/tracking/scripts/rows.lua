-- What a list shows. ARGV: how many, or 0; a set to list newest first ('': newest failures, then inflight, then the
-- oldest due); the ids wanted. Answers: now, then what `show` adds of each.
local limit, now = tonumber(ARGV[1]), clock()
local ids, seen = {}, {}
local places, scores = {}, {}

local function add(id, place, score)
  if #ids < limit and not seen[id] then
    seen[id] = true
    ids[#ids + 1] = id
    places[id], scores[id] = place, score
  end
end

if limit > 0 and ARGV[2] ~= '' then
  ids = redis.call('ZREVRANGE', P .. ARGV[2], 0, limit - 1)
elseif limit > 0 then
  for _, id in ipairs(redis.call('ZREVRANGE', FAILED, 0, limit - 1)) do add(id) end
  if #ids < limit then
    local leased = redis.call('ZRANGE', INFLIGHT, 0, limit - 1, 'WITHSCORES')
    for at = 1, #leased, 2 do add(leased[at], INFLIGHT, tonumber(leased[at + 1])) end
  end
  if #ids < limit then
    each_in_order(due_sets(), limit - #ids, function(id, place, score)
      add(id, place, score)
      return #ids < limit
    end)
  end
else
  for at = 3, #ARGV do ids[#ids + 1] = ARGV[at] end
end

local answers = {int(now)}
show(answers, ids, places, scores)
return answers
