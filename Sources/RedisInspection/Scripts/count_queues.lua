-- Counts what waits in queues, without their messages. Reads only.
--
-- KEYS     the lists of waiting messages, those of one queue together
-- ARGV[1]  how many lists each queue has
--
-- Returns { counts, next }: one count for each queue; place of a list, id of the task that is next in it, for those that are
-- not empty.
local steps = tonumber(ARGV[1])
local counts, next = {}, {}

-- Hardly anybody uses priorities: one command tells whether there is any list besides each queue's first.
local others = {}
for place = 1, #KEYS do
    if (place - 1) % steps > 0 then others[#others + 1] = KEYS[place] end
end
local looked = 1
if #others > 0 and redis.call('EXISTS', unpack(others)) > 0 then looked = steps end

for first = 1, #KEYS, steps do
    local sum = 0
    for place = first, first + looked - 1 do
        -- A key of another type holds no messages.
        local length = redis.pcall('LLEN', KEYS[place])
        if type(length) == 'number' and length > 0 then
            sum = sum + length
            local item = redis.call('LINDEX', KEYS[place], -1)
            next[#next + 1] = place
            local at = string.find(item, '"correlation_id"', 1, true)
            next[#next + 1] = at and string.match(item, '^%s*:%s*"([^"\\]*)"', at + 16) or string.sub(item, -64)
        end
    end
    counts[#counts + 1] = sum
end
return { counts, next }
