-- Remove requests that are not in flight. ARGV: id and digest of its key, in turn. Answers how many.
local gone = {}
for at = 1, #ARGV, 2 do
  local place = place_of(ARGV[at])
  if place and place ~= INFLIGHT then
    redis.call('ZREM', place, ARGV[at])
    table.insert(gone, {id = ARGV[at], digest = ARGV[at + 1]})
  end
end
forget(gone)
add_to_ledger({purged = #gone})
return #gone
