-- What `settle` is told. ARGV from 9 on: how many ends of records there are and these, then of each request its id, digest of
-- its key, and what there is to say: of one that is delivered, and nothing else to say, how its record begins after
-- `{"key":` ('' without one; it has the first end), else its fate, delay (us), status or '', flags (c: it costs an attempt,
-- u: the outcome is unknown, d: it came in after its key was delivered, a: it was alone in its bulk, t: it needed the token,
-- n: it was not posted), number of its record's end, length of the record's beginning, with blanks between, and that
-- beginning and the error.
local ENDS = 10
local ends, signed = {}, {}
for at = 1, tonumber(ARGV[9]) do
  ends[at] = string.sub(ARGV[ENDS - 1 + at], 1, -2)
  signed[at] = string.find(ends[at], '"fingerprint":', 1, true)
end

-- `items` are those of which there is more to say.
local ids, digests, begins, names, items = {}, {}, {}, {}, {}

local function item_at(at)
  return {id = ids[at], digest = digests[at], at = at, fate = 'delivered', flags = '', error = ''}
end

local function item_from(at, said)
  local item, number, length, rest = item_at(at), nil, nil, nil
  item.fate, item.delay, item.status, item.flags, number, length, rest =
    string.match(said, '^(%l+) (%-?%d+) (%d*) (%l*) (%d+) (%d+) ()')
  begins[at], item.ending = string.sub(said, rest, rest + length - 1), tonumber(number)
  item.error = string.sub(said, rest + length)
  return item
end

local last_key = 1
for first = ENDS + #ends, #ARGV, 3 do
  local at, said = #ids + 1, ARGV[first + 2]
  ids[at], digests[at], begins[at] = ARGV[first], ARGV[first + 1], said
  if said ~= '' and string.byte(said) ~= 34 then items[at] = item_from(at, said) end
  if begins[at] ~= '' then
    last_key = last_key + 1
    names[at] = KEYS[last_key]
  end
end
