-- A window on a list, whatever its length. ARGV: tab, 1 for the highest score first, number of the first row, most rows,
-- id at which the window is held ('' for none), rows before it. Answers: now, length of the list, number of the first
-- row, then what `show` adds of each. Of what was delivered: how many rows there are up to the first one and before the
-- last one, then members that hold them and how many rows there are up to the end of each.
local tab, descending, first, limit = ARGV[1], ARGV[2] == '1', tonumber(ARGV[3]), tonumber(ARGV[4])
local anchor, above, now = ARGV[5], tonumber(ARGV[6]), clock()
local low = tab == 'scheduled' and '(' .. int(now) or '-inf'
local high = tab == 'pending' and int(now) or '+inf'
local waiting = tab == 'pending' or tab == 'scheduled'

-- The newest row stands first, and what comes later shifts the others: the anchor is looked for.
local function window_on_delivered()
  local so_far, length = rows_so_far()
  local begins = first
  local row = anchor ~= '' and row_of(anchor, so_far)
  if row then begins = row - above end
  begins = math.max(0, math.min(begins, length - limit))
  local ends = math.min(begins + limit, length)
  if ends <= begins then return {int(now), length, begins} end
  return {int(now), length, begins, so_far - begins, so_far - ends, unpack(lately_between(begins, ends - 1, so_far))}
end

if tab == 'delivered' then return window_on_delivered() end
local sets, total = waiting and due_sets() or {{place = P .. tab}}, 0

for _, set in ipairs(sets) do
  if waiting then
    set.number = redis.call('ZCOUNT', set.place, low, high)
    set.skipped = tab == 'scheduled' and redis.call('ZCARD', set.place) - set.number or 0
  else
    set.number, set.skipped = redis.call('ZCARD', set.place), 0
  end
  set.rank = set.skipped
  total = total + set.number
end

local function below(score)
  local number = 0
  for _, set in ipairs(sets) do
    set.below = redis.call('ZCOUNT', set.place, low, '(' .. int(score))
    number = number + set.below
  end
  return number
end

-- How many rows of the list, lowest score first, come before this request; nil where it is not in the list.
local function rank_of(id)
  for _, set in ipairs(sets) do
    local rank = redis.call('ZRANK', set.place, id)
    if rank then
      rank = rank - set.skipped
      if rank < 0 or rank >= set.number then return nil end
      if #sets == 1 then return rank end
      local score = redis.call('ZSCORE', set.place, id)
      local before = below(tonumber(score)) - set.below + rank
      for _, other in ipairs(sets) do
        if other ~= set then
          for _, equal in ipairs(redis.call('ZRANGEBYSCORE', other.place, score, score, 'LIMIT', 0, 50)) do
            if equal < id then before = before + 1 end
          end
        end
      end
      return before
    end
  end
end

local function ends_of(set)
  local least = redis.call('ZRANGE', set.place, set.skipped, set.skipped, 'WITHSCORES')[2]
  local most = redis.call('ZRANGE', set.place, set.skipped + set.number - 1, set.skipped + set.number - 1, 'WITHSCORES')[2]
  return tonumber(least), tonumber(most)
end

-- Where `from` rows, lowest score first, or at most SKIPPED fewer, have a lower score. What is between two bounds is
-- taken to be spread evenly every other time, as it is by and large: then a few steps lead there. If not, halves do.
local SKIPPED, GUESSES = 100, 8
local function score_behind(from, least, most)
  local behind, beyond, steps = 0, total, 0
  while least < most do
    local evenly = steps % 2 == 0 and steps < 2 * GUESSES
    local share = evenly and math.max(0, from - SKIPPED / 2 - behind) / (beyond - behind) or 0.5
    local middle = math.min(most, least + 1 + math.floor((most - least - 1) * math.min(1, share)))
    local number = below(middle)
    if number <= from then
      least, behind = middle, number
      if from - number <= SKIPPED then break end
    else
      most, beyond = middle - 1, number
    end
    steps = steps + 1
  end
  return least
end

-- Let all sets begin where `from` rows, lowest score first, lie behind them; answers how many are still to be skipped.
local function begin_at(from)
  if #sets == 1 then
    sets[1].rank = sets[1].skipped + from
    return 0
  end
  if from <= SKIPPED then return from end
  local least, most = math.huge, 0
  for _, set in ipairs(sets) do
    if set.number > 0 then
      local first_of, last_of = ends_of(set)
      least, most = math.min(least, first_of), math.max(most, last_of)
    end
  end
  least, most = math.max(least, 0), math.min(most, 9e15)
  local behind = below(score_behind(from, least, most))
  for _, set in ipairs(sets) do set.rank = set.skipped + set.below end
  return from - behind
end

local function position()
  local rank = anchor ~= '' and rank_of(anchor)
  if rank then return (descending and total - 1 - rank or rank) - above end
  return first
end

first = math.max(0, math.min(position(), total - limit))
local number = math.min(limit, total - first)
local answers = {int(now), total, first}
if number <= 0 then return answers end
local ids, places, scores = {}, {}, {}
local skip = begin_at(descending and total - first - number or first)
each_in_order(sets, skip + number, function(id, place, score)
  if skip > 0 then
    skip = skip - 1
    return true
  end
  ids[#ids + 1] = id
  if waiting or place == INFLIGHT or place == DEAD then places[id], scores[id] = place, score end
  return #ids < number
end)
if descending then
  for at = 1, math.floor(#ids / 2) do ids[at], ids[#ids + 1 - at] = ids[#ids + 1 - at], ids[at] end
end
show(answers, ids, places, scores)
return answers
