-- Takes away what is parked for a queue, a part at a time.
--
-- KEYS[1]  parked             sorted set: member -> due, seconds
-- KEYS[2]  parked messages    hash: member -> list key, newline, item
-- ARGV[1]  how many to leave out
-- ARGV[2]  how many to look at
-- ARGV[3...] the queue's lists
--
-- Returns { how many were taken away, how many were looked at }.
local lists = {}
for i = 3, #ARGV do lists[ARGV[i]] = true end
local names = redis.call('ZRANGE', KEYS[1], ARGV[1], ARGV[1] + ARGV[2] - 1)
if #names == 0 then return { 0, 0 } end
local held = redis.call('HMGET', KEYS[2], unpack(names))
local gone = {}
for i = 1, #names do
    local cut = held[i] and string.find(held[i], '\n', 1, true)
    if cut and lists[string.sub(held[i], 1, cut - 1)] then gone[#gone + 1] = names[i] end
end
if #gone > 0 then
    redis.call('ZREM', KEYS[1], unpack(gone))
    redis.call('HDEL', KEYS[2], unpack(gone))
end
return { #gone, #names }
