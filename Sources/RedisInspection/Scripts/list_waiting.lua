-- Shows a part of what waits in a queue, the next to be taken first. Reads only.
--
-- KEYS     the queue's lists, most urgent first
-- ARGV[1]  how many to leave out
-- ARGV[2]  most messages
-- ARGV[3]  most bytes of messages
--
-- Returns { messages in all, place of the list, message, ... }; a message beyond the bytes is empty.
local skip, wanted, bytes = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local total = 0
local reply = { 0 }
for place = 1, #KEYS do
    local length = redis.pcall('LLEN', KEYS[place])
    if type(length) ~= 'number' then length = 0 end
    total = total + length
    while skip < length and wanted > 0 do
        local count = math.min(50, wanted, length - skip)
        local items = redis.call('LRANGE', KEYS[place], -skip - count, -skip - 1)
        for i = #items, 1, -1 do
            bytes = bytes - #items[i]
            reply[#reply + 1] = place
            reply[#reply + 1] = bytes >= 0 and items[i] or ''
        end
        skip = skip + count
        wanted = wanted - count
    end
    skip = math.max(0, skip - length)
end
reply[1] = total
return reply
