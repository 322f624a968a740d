-- Counts held or parked messages by where they belong, a part at a time. Reads only.
--
-- KEYS[1]  unacked            hash: tag -> [envelope, exchange, routing key]
--          or parked messages hash: member -> list key, newline, item
-- ARGV[1]  'held' or 'parked'
-- ARGV[2]  where to go on, '0' at first
-- ARGV[3]  about how many to look at
--
-- Returns { where to go on or '0', name, count, ... }: of held ones the routing key as JSON text, of parked ones the list.
local names = {
    held = function(item) return string.match(string.sub(item, -600), ', ("[^"]*")%]$') or '' end,
    parked = function(item)
        local cut = string.find(item, '\n', 1, true)
        return cut and string.sub(item, 1, cut - 1) or ''
    end,
}
local name, cursor, most = names[ARGV[1]], ARGV[2], tonumber(ARGV[3])
local seen, counts = 0, {}
repeat
    local page = redis.call('HSCAN', KEYS[1], cursor, 'COUNT', 50)
    cursor = page[1]
    for i = 2, #page[2], 2 do
        local place = name(page[2][i])
        counts[place] = (counts[place] or 0) + 1
        seen = seen + 1
    end
until cursor == '0' or seen >= most
local reply = { cursor }
for place, count in pairs(counts) do
    reply[#reply + 1] = place
    reply[#reply + 1] = count
end
return reply
