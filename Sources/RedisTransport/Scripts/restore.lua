-- Puts messages back that nobody has renewed within the visibility timeout, as kombu/transport/redis.py does.
--
-- KEYS[1] unacked            hash: tag -> held message
-- KEYS[2] unacked_index      sorted set: tag -> seconds
-- ARGV[1] the newest lease that counts as abandoned, seconds
-- ARGV[2...] per message: tag, list or '' when the message is gone, item
--
-- Returns how many went back. A message renewed or finished since it was read stays as it is.
local moved = 0
for at = 2, #ARGV, 3 do
    local lease = redis.call('ZSCORE', KEYS[2], ARGV[at])
    if lease and tonumber(lease) <= tonumber(ARGV[1]) then
        redis.call('ZREM', KEYS[2], ARGV[at])
        redis.call('HDEL', KEYS[1], ARGV[at])
        if ARGV[at + 1] ~= '' then
            redis.call('RPUSH', ARGV[at + 1], ARGV[at + 2])
            moved = moved + 1
        end
    end
end
return moved
