-- Make dead and scheduled requests (ARGV) due now, attempts 0. Answers how many.
local now, done = clock(), 0
sound(due_sets_of(ARGV), {META})
sound({INFLIGHT, DEAD}, {})
for at, id in ipairs(ARGV) do
  local place, score = place_of(id)
  if place == DEAD or (place == due_of(id) and score > now) then
    local meta = meta_from(redis.call('HGET', META, id), score)
    meta.attempts, meta.recovered = 0, 0
    meta.due = int(now - #ARGV + at)
    redis.call('ZREM', place, id)
    redis.call('ZADD', due_of(id), meta.due, id)
    redis.pcall('ZADD', AGED, meta.accepted, id)
    save_meta(id, meta)
    done = done + 1
  end
end
return done
