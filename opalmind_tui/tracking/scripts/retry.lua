-- Make dead and scheduled requests due after a delay, attempts 0. ARGV: delay (us), then the ids. Answers how many.
local delay, ids = tonumber(ARGV[1]), {}
for at = 2, #ARGV do ids[#ids + 1] = ARGV[at] end
local now, due, seen = clock(), {}, {}
local places, scores = {}, {}
add_places(ids, places, scores)
sound(due_sets_of(ids), {META})
sound({INFLIGHT, DEAD}, {})
local metas = metas_of(ids)
for at, id in ipairs(ids) do
  local place, score = places[id], scores[id]
  if not seen[id] and (place == DEAD or (place == due_of(id) and score > now)) then
    local meta = meta_from(metas[at], score)
    meta.attempts, meta.recovered = 0, 0
    meta.due = int(now + delay - #ids + at)
    take(place, id)
    put(due_of(id), meta.due, id)
    put(AGED, meta.accepted, id)
    put_meta(id, meta)
    due[#due + 1] = id
  end
  seen[id] = true
end
write_gathered()
wake_for(due)
return #due
