-- Puts a reply into the mailbox that is bound to a routing key; without one it is dropped.
--
-- KEYS[1] binding            set: routing key, separator, pattern, separator, queue
-- ARGV[1] routing key
-- ARGV[2] separator
-- ARGV[3] the usual name of the mailbox
-- ARGV[4] what stands before every key
-- ARGV[5] the reply
-- ARGV[6] seconds after which a mailbox nobody empties is forgotten
--
-- Returns 1 or 0: whether there was a mailbox.
local function put(list)
    redis.call('LPUSH', list, ARGV[5])
    redis.call('EXPIRE', list, ARGV[6])
    return 1
end

local usual = ARGV[1] .. ARGV[2] .. ARGV[2] .. ARGV[3]
if redis.call('SISMEMBER', KEYS[1], usual) == 1 then
    return put(ARGV[4] .. ARGV[3])
end
local start = ARGV[1] .. ARGV[2]
for _, member in ipairs(redis.call('SMEMBERS', KEYS[1])) do
    if string.sub(member, 1, #start) == start then
        local rest = string.sub(member, #start + 1)
        local _, cut = string.find(rest, ARGV[2], 1, true)
        if cut then return put(ARGV[4] .. string.sub(rest, cut + 1)) end
    end
end
return 0
