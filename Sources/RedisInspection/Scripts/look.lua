-- Says which tasks wait, are held and are parked, without their messages. Reads only, and no more than it is told.
--
-- KEYS[1] unacked            hash: tag -> [envelope, exchange, routing key]
-- KEYS[2] celeriac:parked    sorted set: <task id>:<8 digits> -> seconds when it is due
-- KEYS[3...] lists of waiting messages
-- ARGV[1] most messages looked at in each list
-- ARGV[2] most held messages looked at
-- ARGV[3] most parked messages looked at
-- ARGV[4] most bytes of messages looked at in all
--
-- Returns { complete (1 or 0), held, parked, list, list, ... }: held as task id, retries, routing key as JSON text, ...;
-- parked as member, seconds, ...; each list as its length, task id, retries, ..., the next to be taken first. Retries are
-- -1 where a message does not tell; a task id is empty there.
local bytes = tonumber(ARGV[4])
local complete = 1

local function facts(text)
    local at = string.find(text, '"retries"', 1, true)
    local retries = at and string.match(text, '^%s*:%s*(%d+)', at + 9)
    return task_id(text) or '', tonumber(retries) or -1
end

local held = {}
local cursor = '0'
local seen = 0
repeat
    local page = redis.call('HSCAN', KEYS[1], cursor, 'COUNT', 5)
    cursor = page[1]
    local items = page[2]
    for i = 2, #items, 2 do
        local item = items[i]
        bytes = bytes - #item
        seen = seen + 1
        local id, retries = facts(item)
        held[#held + 1] = id
        held[#held + 1] = retries
        held[#held + 1] = string.match(string.sub(item, -600), ', ("[^"]*")%]$') or ''
    end
    if cursor ~= '0' and (bytes <= 0 or seen >= tonumber(ARGV[2])) then
        complete = 0
        break
    end
until cursor == '0'

local most = tonumber(ARGV[3])
local parked = redis.call('ZRANGE', KEYS[2], 0, most - 1, 'WITHSCORES')
if redis.call('ZCARD', KEYS[2]) > most then complete = 0 end

local reply = { complete, held, parked }
for place = 3, #KEYS do
    -- A key of another type holds no messages.
    local length = redis.pcall('LLEN', KEYS[place])
    if type(length) ~= 'number' then length = 0 end
    local found = { length }
    local wanted = math.min(length, tonumber(ARGV[1]))
    local start = 0
    local largest = bytes
    while start < wanted and bytes > 0 do
        -- As many as may fit into what is left, by the largest so far: first one, then more.
        local count = math.min(50, wanted - start, math.max(1, math.floor(bytes / largest)))
        largest = 1
        local items = redis.call('LRANGE', KEYS[place], -start - count, -start - 1)
        for i = #items, 1, -1 do
            bytes = bytes - #items[i]
            largest = math.max(largest, #items[i])
            local id, retries = facts(items[i])
            found[#found + 1] = id
            found[#found + 1] = retries
        end
        start = start + count
    end
    if start < length then complete = 0 end
    reply[#reply + 1] = found
end
reply[1] = complete
return reply
