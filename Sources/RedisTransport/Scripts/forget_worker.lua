-- Forgets a worker that is still dead and of which nothing is left to take back.
--
-- KEYS[1] workers            sorted set: worker id -> last sign of life, seconds
-- ARGV[1] the worker's id
-- ARGV[2] seconds of silence after which a worker counts as dead
--
-- Returns 1 when forgotten.
local now = tonumber(redis.call('TIME')[1])
local seen = redis.call('ZSCORE', KEYS[1], ARGV[1])
if seen and tonumber(seen) > now - tonumber(ARGV[2]) then return 0 end
return redis.call('ZREM', KEYS[1], ARGV[1])
