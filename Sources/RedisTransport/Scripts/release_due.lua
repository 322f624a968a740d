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
        local pushed = redis.pcall('RPUSH', string.sub(held, 1, cut - 1), string.sub(held, cut + 1))
        if type(pushed) == 'table' and pushed.err then
            -- The key has become something else: the others are released all the same, this one is tried again later.
            redis.call('ZADD', KEYS[1], tonumber(now[1]) + 60, due[i])
            due[i] = false
        end
    end
end
local released = {}
for i = 1, #due do
    if due[i] then
        released[#released + 1] = due[i]
    end
end
if #released > 0 then
    redis.call('ZREM', KEYS[1], unpack(released))
    redis.call('HDEL', KEYS[2], unpack(released))
end
local next = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return next[2] or ''
