-- Sends dead letters back to the lists they came from, or deletes them; each leaves the letters in the same step.
--
-- KEYS[1] letters            sorted set: id -> microseconds
-- KEYS[2] facts              hash: id -> failures, newline, JSON
-- KEYS[3] messages           hash: id -> list, newline, item
-- KEYS[4] totals             hash: last, bytes, ever
-- KEYS[5] parked             sorted set: member -> due, seconds
-- KEYS[6] parked messages    hash: member -> list, newline, item
-- ARGV[1] 'send', 'park' or 'delete'
-- ARGV[2] with 'park', microseconds from now on at which the first of these is due
-- ARGV[3] with 'park', microseconds from one to the next
-- then    per letter: its id, and what tells its parked message from others of the id
--
-- Returns how many letters there were of these; those whose item was too large to be kept stay, unless they are deleted.
local call, try = redis.call, redis.pcall
local mode = ARGV[1]
local now = call('TIME')
local start = tonumber(now[1]) * 1000000 + tonumber(now[2]) + (tonumber(ARGV[2]) or 0)
local step = tonumber(ARGV[3]) or 0
local done, freed = 0, 0
for at = 4, #ARGV, 2 do
    local id = ARGV[at]
    local held = call('HGET', KEYS[3], id)
    if held then
        local cut = string.find(held, '\n', 1, true) or #held + 1
        local list, item = string.sub(held, 1, cut - 1), string.sub(held, cut + 1)
        local moved = mode == 'delete'
        if mode == 'send' and item ~= '' then
            local answer = try('LPUSH', list, item)
            -- The key of its queue holds something else: the letter stays.
            moved = type(answer) == 'number'
        elseif mode == 'park' and item ~= '' then
            local member = id .. ':' .. ARGV[at + 1]
            call('ZADD', KEYS[5], string.format('%.6f', (start + done * step) / 1000000), member)
            call('HSET', KEYS[6], member, held)
            moved = true
        end
        if moved then
            done = done + 1
            freed = freed + #held + call('HSTRLEN', KEYS[2], id)
            call('HDEL', KEYS[2], id)
            call('HDEL', KEYS[3], id)
            call('ZREM', KEYS[1], id)
        end
    end
end
if freed > 0 then call('HINCRBY', KEYS[4], 'bytes', -freed) end
return done
