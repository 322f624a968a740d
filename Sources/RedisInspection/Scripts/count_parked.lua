-- Counts parked messages by the list they go to, a part at a time. Reads only.
--
-- KEYS[1]  parked messages    hash: member -> list key, newline, item
-- ARGV[1]  where to go on, '0' at first
-- ARGV[2]  about how many to look at
--
-- Returns { where to go on or '0', list key, count, ... }
local cursor, seen = ARGV[1], 0
local counts = {}
repeat
    local page = redis.call('HSCAN', KEYS[1], cursor, 'COUNT', 50)
    cursor = page[1]
    for i = 2, #page[2], 2 do
        local cut = string.find(page[2][i], '\n', 1, true)
        if cut then
            local list = string.sub(page[2][i], 1, cut - 1)
            counts[list] = (counts[list] or 0) + 1
        end
        seen = seen + 1
    end
until cursor == '0' or seen >= tonumber(ARGV[2])
local reply = { cursor }
for list, count in pairs(counts) do
    reply[#reply + 1] = list
    reply[#reply + 1] = count
end
return reply
