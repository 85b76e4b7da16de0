-- What a list shows of requests, added to `answers`: of each its id, set ('inflight', 'due', 'dead', 'trash',
-- 'rejected'), score (of those outside the queue: the one that they had in it), body, meta.
local function show(answers, ids, places, scores)
  if #ids == 0 then return end
  add_places(ids, places, scores)
  add_places_aside(ids, places, scores)
  local bodies, metas = redis.call('HMGET', MSG, unpack(ids)), metas_of(ids)
  local notes
  for at, id in ipairs(ids) do
    local place, score = places[id], scores[id]
    if place == TRASH or place == REJECTED then
      notes = notes or redis.call('HMGET', ASIDE, unpack(ids))
      score = tonumber(string.match(notes[at] or '', '^%l+ %d+ %l+ (%d+)')) or score
    end
    if place and bodies[at] then
      local next = #answers
      answers[next + 1], answers[next + 2] = id, string.match(string.sub(place, #P + 1), '^%l+')
      answers[next + 3], answers[next + 4], answers[next + 5] = int(score), bodies[at], metas[at] or ''
    end
  end
end
