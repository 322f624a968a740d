-- Takes messages back from a worker that is still dead: each goes to the head of its list and leaves `unacked`.
--
-- KEYS[1] unacked            hash: tag -> held message
-- KEYS[2] unacked_index      sorted set: tag -> seconds
-- KEYS[3] workers            sorted set: worker id -> last sign of life, seconds
-- KEYS[4] deliveries         hash: task id -> times taken back from dead workers
-- ARGV[1] the dead worker's id
-- ARGV[2] seconds of silence after which a worker counts as dead
-- ARGV[3] seconds the delivery counts are kept
-- ARGV[4...] per message: tag, list, item, task id or ''
--
-- Returns how many went back, or -1 when the worker is alive after all.
local now = tonumber(redis.call('TIME')[1])
local seen = redis.call('ZSCORE', KEYS[3], ARGV[1])
if seen and tonumber(seen) > now - tonumber(ARGV[2]) then return -1 end
local moved = 0
for at = 4, #ARGV, 4 do
    if redis.call('ZREM', KEYS[2], ARGV[at]) == 1 then
        redis.call('HDEL', KEYS[1], ARGV[at])
        redis.call('RPUSH', ARGV[at + 1], ARGV[at + 2])
        if ARGV[at + 3] ~= '' then
            redis.call('HINCRBY', KEYS[4], ARGV[at + 3], 1)
            redis.call('EXPIRE', KEYS[4], ARGV[3])
        end
        moved = moved + 1
    end
end
return moved
