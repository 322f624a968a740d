-- Shows a part of what workers hold of a queue, in the order of its tags. Reads only.
--
-- KEYS[1]  unacked            hash: tag -> [envelope, exchange, routing key]
-- ARGV[1]  the queue
-- ARGV[2]  how many to leave out
-- ARGV[3]  most messages
-- ARGV[4]  most messages looked at
-- ARGV[5]  most bytes of messages
-- ARGV[6]  the id of a task, to find that one only, or ''
--
-- Returns { complete (1 or 0), messages of the queue seen, tag, held entry, ... }; an entry beyond the bytes is empty.
local queue, only = ARGV[1], ARGV[6]
local quoted = '"' .. queue .. '"'

local function isMeant(item)
    local tail = string.match(string.sub(item, -600), ', ("[^"]*")%]$')
    if not tail then return false end
    if tail ~= quoted then
        if not string.find(tail, '\\', 1, true) then return false end
        local ok, name = pcall(cjson.decode, '[' .. tail .. ']')
        if not ok or name[1] ~= queue then return false end
    end
    return only == '' or may_be(item, only) and task_id(item) == only
end

local cursor, seen, complete = '0', 0, 1
local tags = {}
repeat
    local page = redis.call('HSCAN', KEYS[1], cursor, 'COUNT', 50)
    cursor = page[1]
    for i = 1, #page[2], 2 do
        seen = seen + 1
        if isMeant(page[2][i + 1]) then tags[#tags + 1] = page[2][i] end
    end
    if cursor ~= '0' and seen >= tonumber(ARGV[4]) then
        complete = 0
        break
    end
until cursor == '0'
table.sort(tags)
local reply = { complete, #tags }
local bytes = tonumber(ARGV[5])
for i = tonumber(ARGV[2]) + 1, math.min(#tags, tonumber(ARGV[2]) + tonumber(ARGV[3])) do
    local item = redis.call('HGET', KEYS[1], tags[i])
    bytes = bytes - #item
    reply[#reply + 1] = tags[i]
    reply[#reply + 1] = bytes >= 0 and item or ''
end
return reply
