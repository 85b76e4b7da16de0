-- Take requests that are not in flight out of the queue. ARGV: 1 for good or 0 to the trash, then of each its id and
-- digest of its key. For good also goes what is in the trash or rejected. Answers how many.
local hard, now = ARGV[1] == '1', int(clock())
local ids, digests = {}, {}
for at = 2, #ARGV, 2 do
  if not digests[ARGV[at]] then ids[#ids + 1] = ARGV[at] end
  digests[ARGV[at]] = ARGV[at + 1]
end
local places, scores = {}, {}
add_places(ids, places, scores)
if hard then add_places_aside(ids, places, scores) end
sound({TRASH, REJECTED}, {MSG, META, KEY, ASIDE})
local leaving, kept = {}, {[TRASH] = {}, [REJECTED] = {}}
for _, id in ipairs(ids) do
  local place = places[id]
  if kept[place] then
    table.insert(kept[place], id)
  elseif place and place ~= INFLIGHT then
    leaving[#leaving + 1] = {id = id, digest = digests[id], score = scores[id], moment = now,
                             from = place == DEAD and 'dead' or 'due'}
    take(place, id)
  end
end
open_way()
write_gathered()
if hard then
  forget_each(leaving)
  drop_aside('trash', kept[TRASH])
  drop_aside('rejected', kept[REJECTED])
else
  put_aside('trash', leaving)
end
add_to_ledger({purged = #leaving})
return #leaving + #kept[TRASH] + #kept[REJECTED]
