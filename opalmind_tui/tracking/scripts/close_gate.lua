-- Close an endpoint. ARGV: url, candidates, kind, duration (us, '' without end), reason, failures. Answers the gate.
-- Of one kind the longer closing wins.
local now = clock()
local code, known = code_of_endpoint()
local old = gate_of(code)
local gate = {kind = ARGV[3], since = int(now), reason = ARGV[5], failures = tonumber(ARGV[6])}
gate['until'] = ARGV[4] == '' and '' or int(now + tonumber(ARGV[4]))
if old and TIMED[old.kind] and ends_of(old) <= now then old = nil end
if old and old.kind == gate.kind then
  gate.since = old.since
  if ends_of(old) > ends_of(gate) then gate['until'] = old['until'] end
end
open_way()
if not known then register_endpoint(code) end
redis.call('HSET', GATE, code, cjson.encode(gate))
return cjson.encode(gate)
