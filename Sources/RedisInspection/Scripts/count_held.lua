-- Counts held messages by queue, a part at a time. Reads only.
--
-- KEYS[1]  unacked            hash: tag -> [envelope, exchange, routing key]
-- ARGV[1]  where to go on, '0' at first
-- ARGV[2]  about how many to look at
--
-- Returns { where to go on or '0', queue as JSON text, count, ... }
local cursor, seen = ARGV[1], 0
local counts = {}
repeat
    local page = redis.call('HSCAN', KEYS[1], cursor, 'COUNT', 50)
    cursor = page[1]
    for i = 2, #page[2], 2 do
        local queue = string.match(string.sub(page[2][i], -600), ', ("[^"]*")%]$') or ''
        counts[queue] = (counts[queue] or 0) + 1
        seen = seen + 1
    end
until cursor == '0' or seen >= tonumber(ARGV[2])
local reply = { cursor }
for queue, count in pairs(counts) do
    reply[#reply + 1] = queue
    reply[#reply + 1] = count
end
return reply
