-- Puts due parked messages at the head of their lists, the one due first in front.
--
-- KEYS[1] parked             sorted set: member -> due, seconds
-- KEYS[2] parked messages    hash: member -> list key, newline, item
-- ARGV[1] most messages to release
--
-- Returns when the next one is due, or '' when none is parked.
local now = redis.call('TIME')
local score = now[1] .. '.' .. string.format('%06d', now[2])
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', score, 'LIMIT', 0, ARGV[1])
for i = #due, 1, -1 do
    local held = redis.call('HGET', KEYS[2], due[i])
    if held then
        local cut = string.find(held, '\n', 1, true)
        redis.call('RPUSH', string.sub(held, 1, cut - 1), string.sub(held, cut + 1))
    end
end
if #due > 0 then
    redis.call('ZREM', KEYS[1], unpack(due))
    redis.call('HDEL', KEYS[2], unpack(due))
end
local next = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return next[2] or ''
