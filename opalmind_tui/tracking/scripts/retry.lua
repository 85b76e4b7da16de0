-- Make dead and scheduled requests (ARGV) due now, attempts 0. Answers how many.
local now, due, seen = clock(), {}, {}
local places, scores = {}, {}
add_places(ARGV, places, scores)
sound(due_sets_of(ARGV), {META})
sound({INFLIGHT, DEAD}, {})
local metas = metas_of(ARGV)
for at, id in ipairs(ARGV) do
  local place, score = places[id], scores[id]
  if not seen[id] and (place == DEAD or (place == due_of(id) and score > now)) then
    local meta = meta_from(metas[at], score)
    meta.attempts, meta.recovered = 0, 0
    meta.due = int(now - #ARGV + at)
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
