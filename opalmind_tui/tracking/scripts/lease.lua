-- Claims: what frees their shards, and what becomes of a request whose sender was lost.
local function end_claim(token, shards)
  redis.pcall('ZREM', CLAIM, token)
  redis.pcall('HDEL', BATCH, token)
  for _, shard in ipairs(shards) do
    if redis.pcall('HGET', SHARD, shard) == token then redis.call('HDEL', SHARD, shard) end
  end
end

local function owns_shards(token, batch)
  for _, shard in ipairs(batch.shards) do
    if redis.call('HGET', SHARD, shard) ~= token then return false end
  end
  return true
end

-- What is known of a request that the batch of this token names, as long as it is in flight under it; else nil. Nothing
-- is stored of a first attempt: its score is when it was accepted.
local function leased_meta(token, id)
  local score = redis.call('ZSCORE', INFLIGHT, id)
  local text = score and redis.call('HGET', META, id)
  if not score then return nil end
  local meta = text and meta_from(text, tonumber(score)) or new_meta(tonumber(score))
  if not text then meta.token = token end
  return meta.token == token and meta or nil
end

-- Back to its old place (which is due), so that the order of a visitor's requests stays; dead when it happens too often.
-- The token stays: who comes late with an answer may still settle it as long as nobody else has claimed it.
local function recover(id, meta, posted, most, now, once)
  redis.call('ZREM', INFLIGHT, id)
  meta.recovered = meta.recovered + 1
  if posted then
    meta.unknown = meta.unknown + 1
    redis.pcall('ZADD', UNKNOWN, int(now), id)
  end
  local final = posted and once
  if final or meta.recovered >= most then
    local lost = 'its sender was lost ' .. meta.recovered .. ' times'
    note(meta, now, nil, final and 'its outcome is unknown: posted, and its sender was lost; it may be counted already' or lost)
    redis.pcall('ZREM', AGED, id)
    redis.pcall('ZREM', HELD, id)
    redis.call('ZADD', DEAD, int(now), id)
    redis.pcall('ZADD', FAILED, int(now), id)
  else
    redis.call('ZADD', due_of(id), meta.due or int(now), id)
  end
  save_meta(id, meta)
end
