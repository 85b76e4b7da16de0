-- Give up requests that wait: dead, as if their last try had failed. ARGV: why, then the ids. Answers how many.
local why, now = ARGV[1], clock()
local ids, places, scores, seen, dead = {}, {}, {}, {}, {}
for at = 2, #ARGV do ids[#ids + 1] = ARGV[at] end
add_places(ids, places, scores)
sound(due_sets_of(ids), {META})
sound({INFLIGHT, DEAD}, {})
local metas = metas_of(ids)
for at, id in ipairs(ids) do
  if not seen[id] and places[id] == due_of(id) then
    local meta = meta_from(metas[at], scores[id])
    local moment = int(now - #ids + at)
    note(meta, moment, meta.status, why)
    meta.token = ''
    take(places[id], id)
    take(AGED, id)
    take(HELD, id)
    put(DEAD, moment, id)
    put(FAILED, moment, id)
    put_meta(id, meta)
    dead[#dead + 1] = id
  end
  seen[id] = true
end
write_gathered()
return #dead
