-- What a list shows. ARGV: how many, or 0 and the ids wanted. Rows: newest failures, then inflight, then the oldest due.
-- Answers: now, then of each its id, set ('inflight', 'due', 'dead'), score, body, meta.
local limit, now = tonumber(ARGV[1]), clock()
local ids, seen = {}, {}

local function add(found)
  for _, id in ipairs(found) do
    if #ids < limit and not seen[id] then
      seen[id] = true
      table.insert(ids, id)
    end
  end
end

local function oldest_due(number)
  local found = {}
  for _, code in ipairs(redis.call('HKEYS', ENDPOINTS)) do
    for at = 1, #SHARDS do
      local part = redis.call('ZRANGE', P .. 'due:' .. code .. string.sub(SHARDS, at, at), 0, number - 1, 'WITHSCORES')
      for item = 1, #part, 2 do table.insert(found, {part[item], tonumber(part[item + 1])}) end
    end
  end
  table.sort(found, function(a, b)
    if a[2] == b[2] then return a[1] < b[1] end
    return a[2] < b[2]
  end)
  local sorted = {}
  for at, item in ipairs(found) do sorted[at] = item[1] end
  return sorted
end

if limit > 0 then
  add(redis.call('ZREVRANGE', FAILED, 0, limit - 1))
  if #ids < limit then add(redis.call('ZRANGE', INFLIGHT, 0, limit - 1)) end
  -- Those of the first sets may be among the oldest due, too.
  if #ids < limit then add(oldest_due(limit)) end
else
  for at = 2, #ARGV do table.insert(ids, ARGV[at]) end
end

local answers = {int(now)}
for _, id in ipairs(ids) do
  local place, score = place_of(id)
  local body = place and redis.call('HGET', MSG, id)
  if body then
    local state = place == INFLIGHT and 'inflight' or place == DEAD and 'dead' or 'due'
    for _, value in ipairs({id, state, int(score), body, redis.call('HGET', META, id) or ''}) do
      table.insert(answers, value)
    end
  end
end
return answers
