-- Look at keys without disturbing their place in LRU and LFU order. Reads only; bounded by its arguments.
-- ARGV: random keys to draw, whether values may be read, prefixes whose values are, bytes of a name that are wanted,
-- then names to look at. Answers for each key: name, bytes of memory, milliseconds left, end of its value.
local names, looks, wanted = {}, {}, tonumber(ARGV[5])
for _ = 1, tonumber(ARGV[1]) do
  local name = redis.pcall('RANDOMKEY')
  -- Redis 6.2 words a refusal inside of a script in a way of its own.
  if type(name) == 'table' then return redis.error_reply('NOPERM ' .. name.err) end
  if not name then break end
  names[#names + 1] = name
end
for at = 6, #ARGV do names[#names + 1] = ARGV[at] end

local function begins(name, prefix)
  return string.sub(name, 1, #prefix) == prefix
end

-- The first and last characters of a string value; of what is no string the name of its type.
local function ends_of(name)
  if not begins(name, ARGV[3]) and not begins(name, ARGV[4]) then return '' end
  local kind = redis.call('TYPE', name).ok
  if kind ~= 'string' then return kind end
  if ARGV[2] ~= '1' then return '' end
  return redis.call('GETRANGE', name, 0, 15) .. redis.call('GETRANGE', name, -1, -1)
end

for at, name in ipairs(names) do
  local size = redis.pcall('MEMORY', 'USAGE', name)
  local known, ends = pcall(ends_of, name)
  local left = redis.call('PTTL', name)
  if left ~= -2 then
    looks[#looks + 1] = {string.sub(name, 1, wanted), type(size) == 'number' and size or -1,
                         left, known and ends or ''}
  end
end
return looks
