-- Keep the table of endpoints small: those of a test stand come and go. Only while no request can return to one of them.
local function forget_idle_endpoints()
  if redis.call('HLEN', ENDPOINTS) < 16 or redis.call('EXISTS', INFLIGHT, DEAD, TRASH) > 0 then return end
  for _, code in ipairs(redis.call('HKEYS', ENDPOINTS)) do
    local sets = {}
    for at = 1, #SHARDS do sets[at] = P .. 'due:' .. code .. string.sub(SHARDS, at, at) end
    local steered = redis.pcall('HMGET', CONTROL, code .. ':pause', code .. ':rate')
    if not steered[1] and not steered[2] and redis.call('EXISTS', unpack(sets)) == 0 then
      redis.call('HDEL', ENDPOINTS, code)
    end
  end
end

local function register_endpoint(code)
  forget_idle_endpoints()
  redis.call('HSET', ENDPOINTS, code, ARGV[1])
end
