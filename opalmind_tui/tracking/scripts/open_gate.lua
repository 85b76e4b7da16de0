-- Open an endpoint. ARGV: url, candidates.
return redis.call('HDEL', GATE, (code_of_endpoint()))
