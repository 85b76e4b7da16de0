-- Gates: why an endpoint is closed, as JSON {kind, since, until ('' without end), reason, failures, probe}.
local TIMED = {cooldown = true}
local PROBED = {breaker = true, token = true, ['recording-off'] = true}

local function gate_of(code)
  local gate = table_of(redis.call('HGET', GATE, code))
  if not gate or not (TIMED[gate.kind] or PROBED[gate.kind]) then return nil end
  local found = {kind = gate.kind, failures = is_count(gate.failures) and gate.failures or 0}
  for _, name in ipairs({'since', 'until', 'reason', 'probe'}) do
    found[name] = type(gate[name]) == 'string' and gate[name] or nil
  end
  return found
end

local function ends_of(gate)
  return tonumber(gate['until']) or math.huge
end
