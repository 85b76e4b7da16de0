-- Open an endpoint. ARGV: url, candidates. Answers 1 if it was closed.
local code = code_of_endpoint()
local opened = redis.call('HDEL', GATE, code)
if opened == 1 then wake_all(code) end
return opened
