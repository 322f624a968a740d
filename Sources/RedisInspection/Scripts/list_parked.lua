-- Shows a part of what is parked for a queue, the one due first in front. Reads only.
--
-- KEYS[1]  parked             sorted set: member -> due, seconds
-- KEYS[2]  parked messages    hash: member -> list key, newline, item
-- ARGV[1]  how many to leave out
-- ARGV[2]  most messages
-- ARGV[3]  most messages looked at
-- ARGV[4]  most bytes of messages
-- ARGV[5...] the queue's lists
--
-- Returns { complete (1 or 0), messages of the queue seen, member, due, what is parked, ... }; what is beyond the bytes is
-- empty.
local lists = {}
for i = 5, #ARGV do lists[ARGV[i]] = true end
local skip, wanted, most, bytes = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local complete, matched, at = 1, 0, 0
local reply = { 1, 0 }
while true do
    local page = redis.call('ZRANGE', KEYS[1], at, at + 99, 'WITHSCORES')
    if #page == 0 then break end
    local names = {}
    for i = 1, #page, 2 do names[#names + 1] = page[i] end
    local held = redis.call('HMGET', KEYS[2], unpack(names))
    for i = 1, #names do
        local cut = held[i] and string.find(held[i], '\n', 1, true)
        if cut and lists[string.sub(held[i], 1, cut - 1)] then
            matched = matched + 1
            if matched > skip and wanted > 0 then
                wanted = wanted - 1
                bytes = bytes - #held[i]
                reply[#reply + 1] = names[i]
                reply[#reply + 1] = page[2 * i]
                reply[#reply + 1] = bytes >= 0 and held[i] or ''
            end
        end
    end
    at = at + #names
    if at >= most then
        if redis.call('ZCARD', KEYS[1]) > at then complete = 0 end
        break
    end
end
reply[1] = complete
reply[2] = matched
return reply
