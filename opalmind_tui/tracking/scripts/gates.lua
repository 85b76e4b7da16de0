-- Gates: why an endpoint is closed, as JSON {kind, since, until ('' without end), reason, failures, probe}.
local TIMED = {cooldown = true}
local PROBED = {breaker = true, token = true, ['recording-off'] = true}

local function gate_of(code)
  local gate = table_of(redis.call('HGET', GATE, code))
  return gate and (TIMED[gate.kind] or PROBED[gate.kind]) and gate or nil
end

local function ends_of(gate)
  return tonumber(gate['until']) or math.huge
end
