-- Takes a parked message away, or lets it wait in its queue at once.
--
-- KEYS[1]  parked             sorted set: member -> due, seconds
-- KEYS[2]  parked messages    hash: member -> list key, newline, item
-- ARGV[1]  the member
-- ARGV[2]  'promote' or 'remove'
--
-- Returns 1, or 0 where it is not parked any more.
local held = redis.call('HGET', KEYS[2], ARGV[1])
if not held then return 0 end
if ARGV[2] == 'promote' then
    local cut = string.find(held, '\n', 1, true)
    -- A worker would park it again until the time in its header.
    local item = string.gsub(string.sub(held, cut + 1), '"eta"%s*:%s*"[^"]*"', '"eta": null', 1)
    redis.call('RPUSH', string.sub(held, 1, cut - 1), item)
end
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[1], ARGV[1])
return 1
