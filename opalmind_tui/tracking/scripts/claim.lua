-- Lease due requests. ARGV: url, candidates, token, limit, lease (us), most shards, 1 if the caller can be woken, and where
-- it posts at once what it gets, whether that may be sent again should it be lost then: 'again' or 'once', else ''.
-- Answers: gate as JSON or '', 1 if this is the probe, next due or '', now, pause and rate as JSON or '', then of each
-- request id, body and when it was accepted, followed by attempts, recovered, unknown and how it failed alone where it is
-- no first attempt. The first write takes something out, so that a full server drains.
local token, limit = ARGV[3], tonumber(ARGV[4])
local now = clock()
local code = code_of_endpoint()
local gate = gate_of(code)
if gate and TIMED[gate.kind] and ends_of(gate) <= now then
  redis.call('HDEL', GATE, code)
  gate = nil
end
local pause, rate, pause_text, rate_text = control_of(code, now)
local free, next_free = limit, 0
if rate then free, next_free = hits_free(rate, now) end
local places, due_sets = {}, {}
for at = 1, #SHARDS do
  places[at] = code .. string.sub(SHARDS, at, at)
  due_sets[at] = P .. 'due:' .. places[at]
end

local function first_score(shard)
  return tonumber(redis.call('ZRANGE', P .. 'due:' .. shard, 0, 0, 'WITHSCORES')[2])
end

local function heads()
  local found = {}
  -- An idle queue is asked often, and this is all it costs.
  if redis.call('EXISTS', unpack(due_sets)) == 0 then return found end
  for _, shard in ipairs(places) do
    local score = first_score(shard)
    if score then found[#found + 1] = {shard = shard, score = score} end
  end
  table.sort(found, function(a, b)
    if a.score == b.score then return a.shard < b.shard end
    return a.score < b.score
  end)
  return found
end

-- Who failed alone is to blame, and not the endpoint, once another got through since; of those that need the token,
-- once another that needs it did. As a sum: 1 it failed alone, 2 another got through since, 4 with the token.
local got_through
local function standing_alone(meta)
  local alone = tonumber(meta.alone) or 0
  if alone == 0 then return 0 end
  got_through = got_through or redis.pcall('HMGET', LEDGER, 'taken:' .. code, 'proved:' .. code)
  local taken, proved = tonumber(got_through[1] or 0) or 0, tonumber(got_through[2] or 0) or 0
  return 1 + (taken > alone and 2 or 0) + (proved > alone and 4 or 0)
end

local function facts_of(meta)
  return table.concat({meta.accepted, meta.attempts, meta.recovered, meta.unknown, standing_alone(meta)}, ' ')
end

-- `requests` are id, body and facts of each.
local function answer(requests, probe, known)
  local first = (known or heads())[1]
  local due = first and int(math.max(first.score, free < 1 and next_free or 0)) or ''
  local reply = {gate and cjson.encode(gate) or '', probe and 1 or 0, due, int(now), pause_text, rate_text}
  for at, value in ipairs(requests) do reply[6 + at] = value end
  return reply
end

-- The same token again: what it still holds, as long as nobody took a shard of it.
local batch = batch_of(token)
if batch then
  local held = {}
  if not alive(token, now) and not owns_shards(token, batch) then return answer(held) end
  for _, id in ipairs(batch.ids) do
    local meta, body = leased_meta(token, id), redis.call('HGET', MSG, id)
    if meta and body then
      local next = #held
      held[next + 1], held[next + 2], held[next + 3] = id, body, facts_of(meta)
    end
  end
  local waiting = heads()
  open_way()
  if ARGV[8] ~= '' and not pause and not may_be_posted(batch) then
    batch.posting, batch.once = true, ARGV[8] == 'once' or nil
    redis.call('HSET', BATCH, token, cjson.encode(batch))
  end
  redis.call('ZADD', CLAIM, 'XX', 'GT', int(now + tonumber(ARGV[5])), token)
  return answer(held, gate and gate.probe == token, waiting)
end

if pause or free < 1 then
  local waiting = heads()
  if not pause and not waiting[1] and ARGV[7] == '1' then fall_asleep(code) end
  return answer({}, false, waiting)
end
limit = math.min(limit, free)

local probe = false
if gate then
  if now < ends_of(gate) or alive(gate.probe, now) then return answer({}) end
  probe, limit = true, 1
end

local taken, ids, shards, looked_into, removed = {}, {}, {}, {}, 0
local found = heads()
local held_by = {}
if found[1] then
  local holders = redis.call('HMGET', SHARD, unpack(places))
  for at, shard in ipairs(places) do held_by[shard] = holders[at] end
end

-- Of a first attempt nothing is written beside its body: that the claim's batch names it says whose it is.
local function take(shard)
  looked_into[shard] = true
  local place = P .. 'due:' .. shard
  local found = redis.call('ZRANGEBYSCORE', place, '-inf', int(now), 'WITHSCORES', 'LIMIT', 0, limit - #ids)
  local here = {}
  for at = 1, #found, 2 do here[#here + 1] = found[at] end
  local bodies, metas = redis.call('HMGET', MSG, unpack(here)), metas_of(here)
  sound({INFLIGHT, CLAIM}, {})
  redis.call('ZREMRANGEBYRANK', place, 0, #here - 1)
  local leased, saved = {}, {}
  -- Nearly always they are all ours, which is seen at once.
  local fine = #table.concat(here) == 14 * #here and not string.find(table.concat(here), '%W')
  for at, id in ipairs(here) do
    local score = found[2 * at]
    if not (fine and #id == 14 or is_id(id)) or string.sub(id, 1, 3) ~= shard then
      -- None of ours, or it stands in its own set, too: it would hold up those who travel with it, or go twice.
    elseif bodies[at] then
      local meta = metas[at] and meta_from(metas[at], tonumber(score))
      if meta then
        meta.token, meta.due = token, score
        saved[#saved + 1] = id
        saved[#saved + 1] = cjson.encode(meta)
      end
      local next = #taken
      taken[next + 1], taken[next + 2], taken[next + 3] = id, bodies[at], meta and facts_of(meta) or score
      ids[#ids + 1] = id
      leased[#leased + 1] = meta and meta.accepted or score
      leased[#leased + 1] = id
    else
      redis.call('HDEL', META, id)
      redis.pcall('ZREM', FAILED, id)
      removed = removed + 1
    end
  end
  if #leased > 0 then
    redis.call('ZADD', INFLIGHT, unpack(leased))
    if #saved > 0 then redis.call('HSET', META, unpack(saved)) end
    redis.call('HSET', SHARD, shard, token)
    table.insert(shards, shard)
  end
end

for _, head in ipairs(found) do
  if head.score > now or #ids >= limit or #shards >= tonumber(ARGV[6]) then break end
  if not alive(held_by[head.shard], now) then take(head.shard) end
end

-- The first that is left, as the only one of a list.
local function left_of(heads)
  local least
  for _, head in ipairs(heads) do
    local score = head.score
    if looked_into[head.shard] then score = first_score(head.shard) end
    if score and (not least or score < least) then least = score end
  end
  return {least and {score = least}}
end

if removed > 0 then add_to_ledger({missing = removed}) end
if #ids == 0 then
  if not gate and ARGV[7] == '1' then fall_asleep(code) end
  return answer({}, false, left_of(found))
end
if rate then
  take_hits(code, rate, #ids, now)
  free, next_free = hits_free(rate, now)
end
redis.call('ZADD', CLAIM, int(now + tonumber(ARGV[5])), token)
redis.call('HSET', BATCH, token, cjson.encode({ids = ids, shards = shards, posting = ARGV[8] ~= '' or nil,
                                                once = ARGV[8] == 'once' or nil}))
if probe then
  gate.probe = token
  redis.call('HSET', GATE, code, cjson.encode(gate))
end
local left = left_of(found)
-- While this is posted others of the caller rest: the next that comes in wakes one of them.
if not probe and ARGV[7] == '1' and not (left[1] and left[1].score <= now) then fall_asleep(code) end
return answer(taken, probe, left)
