-- Takes messages from lists in the order given and records each as held, in one step.
--
-- KEYS[1] unacked            hash: tag -> [envelope, exchange, routing key], as kombu/transport/redis.py writes it
-- KEYS[2] unacked_index      sorted set: tag -> seconds
-- KEYS[3] workers            sorted set: worker id -> last sign of life, seconds
-- KEYS[4] paused             set: queues from which nothing is taken
-- KEYS[5...]                 the lists, most urgent first
-- ARGV[1] worker id
-- ARGV[2] most messages to take
-- ARGV[3] number of the first tag
-- ARGV[4] seconds the lease is written ahead of now, for sweepers with short visibility timeouts
-- ARGV[5] how many pools, then the room of each
-- then    how many queues, then per queue: room, pool's place, routing key as JSON text
-- then    per list: its queue's place
--
-- Returns { items taken, places of lists seen empty, places of keys that are no lists, places of paused queues }: items
-- as queue's place, item, queue's place, item, ...
-- A list seen empty is read last of all, so that client tracking announces the next push to it; it announces a change
-- of the paused queues because they are read here.
local limit = tonumber(ARGV[2])
local at = 5
local rooms = {}
local pools = tonumber(ARGV[at])
for i = 1, pools do rooms[i] = tonumber(ARGV[at + i]) end
at = at + pools + 1
local count = tonumber(ARGV[at])
local left, pool, tail = {}, {}, {}
for i = 1, count do
    left[i] = tonumber(ARGV[at + 1])
    pool[i] = tonumber(ARGV[at + 2])
    tail[i] = ', "", ' .. ARGV[at + 3] .. ']'
    at = at + 3
end

-- A key of another type pauses nothing.
local paused, resting = redis.pcall('SMEMBERS', KEYS[4]), {}
if #paused > 0 then
    local names = {}
    for _, name in ipairs(paused) do names[name] = true end
    for i = 1, count do
        local name = cjson.decode('[' .. string.sub(tail[i], 7, -2) .. ']')[1]
        if names[name] then
            left[i] = 0
            resting[#resting + 1] = i
        end
    end
end

local now, score
local tag = ARGV[1] .. ':'
local number = tonumber(ARGV[3])
local taken, fields, scores, empty, emptyKeys, broken = {}, {}, {}, {}, {}, {}
for place = 5, #KEYS do
    local queue = tonumber(ARGV[at + place - 4])
    local take = limit
    if left[queue] < take then take = left[queue] end
    if rooms[pool[queue]] < take then take = rooms[pool[queue]] end
    if take > 0 then
        -- A key of another type must not end the script: what was popped before it would be lost.
        local items = redis.pcall('RPOP', KEYS[place], take)
        local got = 0
        if items and items.err then
            broken[#broken + 1] = place - 4
        elseif items then
            got = #items
            if got > 0 and not now then
                now = redis.call('TIME')
                -- Whole seconds: a short sorted set compares fractions by reading them as text, which costs more than
                -- all the rest.
                score = string.format('%d', tonumber(now[1]) + tonumber(ARGV[4]))
            end
            for i = 1, got do
                local name = tag .. number
                number = number + 1
                taken[#taken + 1] = queue
                taken[#taken + 1] = items[i]
                fields[#fields + 1] = name
                fields[#fields + 1] = '[' .. items[i] .. tail[queue]
                scores[#scores + 1] = score
                scores[#scores + 1] = name
            end
            limit = limit - got
            left[queue] = left[queue] - got
            rooms[pool[queue]] = rooms[pool[queue]] - got
        end
        if got < take then
            empty[#empty + 1] = place - 4
            emptyKeys[#emptyKeys + 1] = KEYS[place]
        end
    end
end
if #fields > 0 then
    redis.call('HSET', KEYS[1], unpack(fields))
    redis.call('ZADD', KEYS[2], unpack(scores))
    redis.call('ZADD', KEYS[3], now[1], ARGV[1])
end
if #emptyKeys > 0 then redis.call('EXISTS', unpack(emptyKeys)) end
return { taken, empty, broken, resting }
