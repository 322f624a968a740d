-- Notes that tasks must not start, and stores the records of those that have not begun.
--
-- KEYS[1] revoked            sorted set: task id -> when it was revoked, seconds
-- ARGV[1] how many ids are remembered, or '' to store records only
-- ARGV[2] seconds they are remembered
-- ARGV[3] the database of the results, or '' when they live in this one
-- ARGV[4] the database of this connection
-- then    per task: id, result key ('' when no record is kept), ttl ('' keeps it for good), record
--
-- Returns how many records were stored.
local call = redis.call

-- The state of a stored record; the three forms are JSON, YAML and MessagePack. What cannot be read has begun.
local function state(stored)
    if not stored then return 'PENDING' end
    return string.match(stored, '^{"status": "(%u+)"') or string.match(stored, '\166status[\160-\191](%u+)')
        or string.match(stored, 'status: (%u+)\n') or 'STARTED'
end

local waiting = { PENDING = true, RECEIVED = true, RETRY = true, REJECTED = true }
if ARGV[1] ~= '' then
    local now = call('TIME')
    local seconds = tonumber(now[1])
    for at = 5, #ARGV, 4 do
        -- The fraction keeps the order in which they came.
        call('ZADD', KEYS[1], string.format('%d.%06d', seconds, math.min(999999, tonumber(now[2]) + (at - 5) / 4)), ARGV[at])
    end
    call('ZREMRANGEBYSCORE', KEYS[1], '-inf', seconds - tonumber(ARGV[2]))
    call('ZREMRANGEBYRANK', KEYS[1], 0, -tonumber(ARGV[1]) - 1)
    call('EXPIRE', KEYS[1], ARGV[2])
end
local stored = 0
if ARGV[3] ~= '' then call('SELECT', ARGV[3]) end
for at = 5, #ARGV, 4 do
    local key, ttl, record = ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
    if key ~= '' then
        local before = redis.pcall('GET', key)
        if type(before) ~= 'table' and waiting[state(before)] then
            if ttl == '' then call('SET', key, record) else call('SETEX', key, ttl, record) end
            call('PUBLISH', key, record)
            stored = stored + 1
        end
    end
end
if ARGV[3] ~= '' then call('SELECT', ARGV[4]) end
return stored
