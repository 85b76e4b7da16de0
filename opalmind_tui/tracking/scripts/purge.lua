-- Take requests that are not in flight out of the queue. ARGV: 1 for good or 0 to the trash, then of each its id and
-- digest of its key. For good also goes what is in the trash or rejected. Answers how many.
local hard, now = ARGV[1] == '1', clock()
local leaving, kept, seen = {}, {[TRASH] = {}, [REJECTED] = {}}, {}
local done = 0
sound({TRASH, REJECTED}, {MSG, META, KEY, ASIDE})
for at = 2, #ARGV, 2 do
  local id = ARGV[at]
  local place, score = place_of(id)
  if not seen[id] and place and place ~= INFLIGHT then
    leaving[#leaving + 1] = {id = id, digest = ARGV[at + 1], place = place, score = score, moment = now,
                             from = place == DEAD and 'dead' or 'due'}
    done = done + 1
  elseif not seen[id] and not place and hard then
    place = aside_of(id)
    if place then
      table.insert(kept[place], id)
      done = done + 1
    end
  end
  seen[id] = true
end
open_way()
for _, request in ipairs(leaving) do redis.call('ZREM', request.place, request.id) end
if hard then
  forget(leaving)
  drop_aside('trash', kept[TRASH])
  drop_aside('rejected', kept[REJECTED])
else
  put_aside('trash', leaving)
end
add_to_ledger({purged = #leaving})
return done
