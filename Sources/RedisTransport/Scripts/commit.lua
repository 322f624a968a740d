-- Makes the effects of many commits happen; a commit whose message is no longer held does nothing.
--
-- KEYS[1] unacked            hash: tag -> held message
-- KEYS[2] unacked_index      sorted set: tag -> seconds
-- KEYS[3] parked             sorted set: member -> due, seconds
-- KEYS[4] parked messages    hash: member -> list key, newline, item
-- KEYS[5] rejected           list of JSON, newest first
-- KEYS[6] deliveries         hash: task id -> times taken back from dead workers
-- ARGV[1] how many rejected messages are kept
-- ARGV[2] seconds they are kept
-- ARGV[3] the database of the results, or '' when they live in this one
-- ARGV[4] the database of this connection
-- ARGV[5] how many commits
-- then    the tag of each, '' where the message was acknowledged before
-- then    per commit: '1' when it acknowledges, how many effects, then per effect one of
--         'S' key ttl record          store a result ('' keeps it for good) and publish it, unless SUCCESS is stored
--         'L' list item               push to the end of a list
--         'R' list item               push to the head of a list
--         'P' member due list item    park
--         'X' entry                   keep a rejected message
--         'F' task id                 forget deliveries
--
-- Returns 1 or 0 for each commit: done, or its message is no longer held.
-- A message that cannot be pushed, because its queue's name is that of another kind of key, is kept as rejected: an
-- error would end the script halfway, and the commit would be tried again and again.
local call, try = redis.call, redis.pcall
local total = tonumber(ARGV[5])
local at = 6 + total
local answer, acked, gone, results, written = {}, {}, {}, {}, {}

-- A stored SUCCESS is final (celery/backends/base.py); the three forms are JSON, YAML and MessagePack.
local function succeeded(stored)
    if type(stored) ~= 'string' then return false end
    local head = string.sub(stored, 1, 20)
    return head == '{"status": "SUCCESS"' or string.find(stored, '\166status\167SUCCESS', 1, true) ~= nil
        or (string.sub(stored, 1, 1) ~= '{' and string.find(stored, 'status: SUCCESS\n', 1, true) ~= nil)
end

local function keep(entry)
    call('LPUSH', KEYS[5], entry)
    call('LTRIM', KEYS[5], 0, tonumber(ARGV[1]) - 1)
    call('EXPIRE', KEYS[5], ARGV[2])
end

local function push(command, list, item)
    local answer = try(command, list, item)
    if type(answer) == 'table' and answer.err then
        if string.sub(answer.err, 1, 9) ~= 'WRONGTYPE' then error(answer.err) end
        keep(cjson.encode({
            reason = 'the key of its queue holds something that is no list', queue = list, task_id = cjson.null,
            rejected_at = tonumber(call('TIME')[1]), size = #item, truncated = #item > 1048576,
            message = string.sub(item, 1, 1048576),
        }))
    end
end

-- One look for all: a call costs more than what it looks up.
local leases = call('ZMSCORE', KEYS[2], unpack(ARGV, 6, 5 + total))
for n = 1, total do
    local tag, ack, effects = ARGV[5 + n], ARGV[at], tonumber(ARGV[at + 1])
    at = at + 2
    local held = tag == '' or (not gone[tag] and leases[n])
    answer[n] = held and 1 or 0
    for _ = 1, effects do
        local kind = ARGV[at]
        if kind == 'S' then
            if held then results[#results + 1] = at end
            at = at + 4
        elseif kind == 'L' then
            if held then push('LPUSH', ARGV[at + 1], ARGV[at + 2]) end
            at = at + 3
        elseif kind == 'R' then
            if held then push('RPUSH', ARGV[at + 1], ARGV[at + 2]) end
            at = at + 3
        elseif kind == 'P' then
            if held then
                call('ZADD', KEYS[3], ARGV[at + 2], ARGV[at + 1])
                call('HSET', KEYS[4], ARGV[at + 1], ARGV[at + 3] .. '\n' .. ARGV[at + 4])
            end
            at = at + 5
        elseif kind == 'X' then
            if held then keep(ARGV[at + 1]) end
            at = at + 2
        elseif kind == 'F' then
            if held then call('HDEL', KEYS[6], ARGV[at + 1]) end
            at = at + 2
        else
            return redis.error_reply('CELERIAC unknown effect ' .. tostring(kind))
        end
    end
    if held and ack == '1' and tag ~= '' then
        acked[#acked + 1] = tag
        gone[tag] = true
    end
end
for first = 1, #acked, 1000 do
    local last = math.min(first + 999, #acked)
    call('ZREM', KEYS[2], unpack(acked, first, last))
    call('HDEL', KEYS[1], unpack(acked, first, last))
end
if #results > 0 then
    -- SELECT inside a script lasts for the script only, so the other database is written in the same atomic step.
    if ARGV[3] ~= '' then call('SELECT', ARGV[3]) end
    local keys = {}
    for n, place in ipairs(results) do keys[n] = ARGV[place + 1] end
    local stored = call('MGET', unpack(keys))
    for n, place in ipairs(results) do
        local key, ttl, record = keys[n], ARGV[place + 2], ARGV[place + 3]
        -- Two records of one task may meet in one batch: the later one looks at the earlier.
        if not succeeded(written[key] or stored[n]) then
            if ttl == '' then call('SET', key, record) else call('SETEX', key, ttl, record) end
            call('PUBLISH', key, record)
            written[key] = record
        end
    end
    if ARGV[3] ~= '' then call('SELECT', ARGV[4]) end
end
return answer
