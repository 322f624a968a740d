-- Puts parked messages of tenants at the head of their lists as far as their plans have room, and keeps a slot for each.
--
-- KEYS[1] unacked_index      sorted set: tag -> seconds
-- KEYS[2] workers            sorted set: worker id -> last sign of life, seconds
-- KEYS[3] parked             sorted set: member -> due, seconds
-- KEYS[4] parked messages    hash: member -> list key, newline, item
-- KEYS[5] tenants            hash: tenant -> name of its plan
-- KEYS[6] waiting            sorted set: tenant of which tasks wait -> when to look, seconds
-- ARGV[1] what the keys of one tenant begin with: then 'running:', 'started:', 'queue:' and its name
-- ARGV[2] seconds of silence after which a worker counts as dead
-- ARGV[3] the plans as JSON: name -> [at once, in a minute], 0 for no bound
-- ARGV[4] the name of the default plan
-- ARGV[5] seconds for which a slot is kept for a message on its way
-- ARGV[6] seconds the keys of a tenant are kept
-- ARGV[7] how many slots are free, then per slot: tenant, member
-- then    per tenant: its name, its plan's name as configured
--
-- Returns { when to look next or '', how many messages were put back }.
local call = redis.call
local time = call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
local silence, plans = tonumber(ARGV[2]), cjson.decode(ARGV[3])
local most, released = 100, 0

local at = 8
for _ = 1, tonumber(ARGV[7]) do
    call('ZREM', ARGV[1] .. 'running:' .. ARGV[at], ARGV[at + 1])
    at = at + 2
end

-- Takes out of a tenant's queue the first so many whose messages are still parked.
local function first(queue, room)
    local chosen = {}
    while #chosen < room do
        local members = call('ZRANGE', queue, 0, room - #chosen - 1)
        if #members == 0 then break end
        for _, member in ipairs(members) do
            local stored = call('HGET', KEYS[4], member)
            if stored then chosen[#chosen + 1] = { member, stored } end
        end
        call('ZREM', queue, unpack(members))
    end
    return chosen
end

for at = at, #ARGV, 2 do
    local tenant = ARGV[at]
    local running, started = ARGV[1] .. 'running:' .. tenant, ARGV[1] .. 'started:' .. tenant
    local queue = ARGV[1] .. 'queue:' .. tenant
    if call('ZCARD', queue) > 0 then
        local _, atOnce, rate = planOf(plans, ARGV[4], call('HGET', KEYS[5], tenant), ARGV[at + 1])
        local count, kept = slots(running, KEYS[1], KEYS[2], now, silence)
        local room, begun = most, 0
        if atOnce > 0 then room = math.min(room, atOnce - count) end
        if rate > 0 then
            call('ZREMRANGEBYSCORE', started, '-inf', string.format('%.6f', now - 60))
            begun = call('ZCARD', started) + kept
            room = math.min(room, rate - begun)
        end
        local chosen = first(queue, room)
        for i = #chosen, 1, -1 do
            local member, stored = chosen[i][1], chosen[i][2]
            local cut = string.find(stored, '\n', 1, true)
            local pushed = redis.pcall('RPUSH', string.sub(stored, 1, cut - 1), string.sub(stored, cut + 1))
            -- Where the key is no list any more the message stays parked, and is tried again when it is due.
            if type(pushed) ~= 'table' then
                call('ZREM', KEYS[3], member)
                call('HDEL', KEYS[4], member)
                call('ZADD', running, string.format('%.0f', now + tonumber(ARGV[5])), 'kept:' .. string.match(member, '^(.*):'))
                count, begun, released = count + 1, begun + 1, released + 1
            end
        end
        call('EXPIRE', running, ARGV[6])
        if call('EXPIRE', queue, ARGV[6]) == 1 then
            local full = atOnce > 0 and count >= atOnce
            local look = #chosen == most and now or lookAt(started, rate > 0 and begun >= rate and not full, now)
            call('ZADD', KEYS[6], string.format('%.6f', look), tenant)
            call('EXPIRE', KEYS[6], ARGV[6])
        else
            call('ZREM', KEYS[6], tenant)
        end
    else
        call('ZREM', KEYS[6], tenant)
    end
end
local next = call('ZRANGE', KEYS[6], 0, 0, 'WITHSCORES')
return { next[2] or '', released }
