-- Hands out complete chords that nobody has finished, each once in a while.
--
-- KEYS[1] chords             sorted set: group id -> when it was completed or last handed out, seconds
-- KEYS[2] claims             hash: group id -> token, newline, what is needed to finish
-- ARGV[1] the database of the results, or '' when they live in this one
-- ARGV[2] the database of this connection
-- ARGV[3] seconds after which one counts as overdue
-- ARGV[4] most to hand out
--
-- Returns group id, claim, group id, claim, ...
if ARGV[1] ~= '' then redis.call('SELECT', ARGV[1]) end
local now = tonumber(redis.call('TIME')[1])
local overdue = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[3]), 'LIMIT', 0, ARGV[4])) do
    local claim = redis.call('HGET', KEYS[2], id)
    if claim then
        redis.call('ZADD', KEYS[1], now, id)
        overdue[#overdue + 1] = id
        overdue[#overdue + 1] = claim
    else
        redis.call('ZREM', KEYS[1], id)
    end
end
if ARGV[1] ~= '' then redis.call('SELECT', ARGV[2]) end
return overdue
