-- Renews a worker's sign of life and the lease of every message it holds; names dead workers and the next due time.
--
-- KEYS[1] unacked_index      sorted set: tag -> seconds
-- KEYS[2] workers            sorted set: worker id -> last sign of life, seconds
-- KEYS[3] parked             sorted set: member -> due, seconds
-- KEYS[4] paused             set: queues from which nothing is taken; may be left out
-- ARGV[1] worker id
-- ARGV[2] seconds of silence after which a worker counts as dead
-- ARGV[3] seconds a lease is written ahead of now, for sweepers with short visibility timeouts
-- ARGV[4...] tags held
--
-- Returns { next due time or '', dead worker ids, paused queues }.
local now = redis.call('TIME')
local seconds = tonumber(now[1])
redis.call('ZADD', KEYS[2], seconds, ARGV[1])
local lease = string.format('%d', seconds + tonumber(ARGV[3]))
for first = 4, #ARGV, 1000 do
    local renewed = {}
    for i = first, math.min(first + 999, #ARGV) do
        renewed[#renewed + 1] = lease
        renewed[#renewed + 1] = ARGV[i]
    end
    redis.call('ZADD', KEYS[1], 'XX', unpack(renewed))
end
local dead = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', seconds - tonumber(ARGV[2]))
local due = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')
local paused = KEYS[4] and redis.pcall('SMEMBERS', KEYS[4]) or {}
return { due[2] or '', dead, paused.err and {} or paused }
