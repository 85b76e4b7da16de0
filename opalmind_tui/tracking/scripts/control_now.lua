-- What operators ask of an endpoint. ARGV: url, candidates. Answers now, pause and rate as JSON or ''.
local now = clock()
local _, _, pause, rate = control_of(code_of_endpoint(), now)
return {int(now), pause, rate}
