-- Pages of a sorted set. A page goes on after a member and its score, and not after a rank, so that what leaves meanwhile
-- shifts nothing. Answers its ids, the score of the last of them ('' where there is none), and the scores of all.
local function page(place, low, high, after_score, after_id, number, descending)
  local found, last, scores, skip = {}, '', {}, 0
  local command, from, to = 'ZRANGEBYSCORE', low, high
  if descending then command, from, to = 'ZREVRANGEBYSCORE', high, low end
  if after_score ~= '' then from = after_score end
  while #found < number do
    local part = redis.call(command, place, from, to, 'WITHSCORES', 'LIMIT', skip, number)
    for at = 1, #part, 2 do
      local id, score = part[at], part[at + 1]
      local behind = after_id ~= '' and (id == after_id or (id > after_id) == descending)
      local passed = behind and int(tonumber(score)) == after_score
      if not passed and #found < number then
        found[#found + 1], last = id, score
        scores[#found] = score
      end
    end
    if #part < 2 * number then break end
    skip = skip + number
  end
  return found, last, scores
end

local function cursor_after(place, last, id)
  return place .. ' ' .. int(tonumber(last)) .. ' ' .. id
end
