-- Makes the effects of many commits happen; a commit whose message is no longer held does nothing.
--
-- KEYS[1] unacked            hash: tag -> held message
-- KEYS[2] unacked_index      sorted set: tag -> seconds
-- KEYS[3] parked             sorted set: member -> due, seconds
-- KEYS[4] parked messages    hash: member -> list key, newline, item
-- KEYS[5] dead letters       sorted set: id -> microseconds
-- KEYS[6] deliveries         hash: task id -> times taken back from dead workers
-- KEYS[7] history counts     hash: what and queue -> how many tasks ended so
-- KEYS[8] durations          hash: queue, task and bucket -> how many runs
-- KEYS[9] their facts        hash: id -> failures, newline, JSON
-- KEYS[10] their messages    hash: id -> list, newline, item
-- KEYS[11] their totals      hash: last, bytes, ever
-- ARGV[1] how many dead letters are kept
-- ARGV[2] how many bytes they may have
-- ARGV[3] seconds they are kept
-- ARGV[4] the database of the results, or '' when they live in this one
-- ARGV[5] the database of this connection
-- ARGV[6] how many commits
-- then    the tag of each, '' where the message was acknowledged before
-- then    per commit: '1' when it acknowledges, how many effects, then per effect one of
--         'S' key ttl record          store a result ('' keeps it for good) and publish it, unless SUCCESS is stored
--         'L' list item               push to the end of a list
--         'R' list item               push to the head of a list
--         'P' member due list item    park
--         'X' id facts list item      keep a dead letter (dead.lua)
--         'F' task id                 forget deliveries
--         'C' base size ttl saved     start a chord: its size, and its saved group or ''
--         'T' base                    make room for one more part of a chord
--         'J' base member score value ordered ttl group ttl token claim ttl chords claims group id completion
--             redelivered             count a part of a chord; the one that completes it claims the chord
--         'D' base token sent chords claims group id
--                                     end a claimed chord; first in its commit, of which nothing happens without the claim
-- then    what history.lua takes
--
-- base is the key of the chord's saved group, which the names of its other keys begin with; chords and claims are the
-- keys of complete chords by time and of who may finish them. '' as a ttl keeps a key for good.
--
-- Returns for each commit 1 or 0: done, or its message is no longer held; or the tokens of the chords it completed.
-- A message that cannot be pushed, because its queue's name is that of another kind of key, becomes a dead letter:
-- an error would end the script halfway, and the commit would be tried again and again.
local call, try = redis.call, redis.pcall
local total = tonumber(ARGV[6])
local at = 7 + total
local answer, acked, gone, results, written, chords, ended = {}, {}, {}, {}, {}, {}, {}

local letters = { letters = KEYS[5], facts = KEYS[9], messages = KEYS[10], totals = KEYS[11] }
local limits = { count = tonumber(ARGV[1]), bytes = tonumber(ARGV[2]), seconds = tonumber(ARGV[3]) }

local function push(command, list, item)
    local answer = try(command, list, item)
    if type(answer) == 'table' and answer.err then
        if string.sub(answer.err, 1, 9) ~= 'WRONGTYPE' then error(answer.err) end
        local now = call('TIME')
        local facts = cjson.encode({
            i = '', n = '', s = 'FAILURE', w = '', q = list, y = 'the key of its queue holds something that is no list',
        })
        -- The encoder writes large numbers with an exponent.
        facts = string.sub(facts, 1, -2) .. string.format(',"f":%s%06d}', now[1], tonumber(now[2]))
        bury(letters, limits, 'unsent-' .. redis.sha1hex(item), facts, list, item)
    end
end

-- Whether a chord's end is still to come; a claim that was overtaken is forgotten.
local function claimed(at)
    local base, token = ARGV[at + 1], ARGV[at + 2]
    if ended[token] then return false end
    if ARGV[4] ~= '' then call('SELECT', ARGV[4]) end
    local record, owner = try('HGET', ARGV[at + 5], ARGV[at + 6]), try('GET', base .. '.c')
    local mine = type(record) == 'string' and string.sub(record, 1, #token) == token
    if mine and owner and owner ~= token then
        call('HDEL', ARGV[at + 5], ARGV[at + 6])
        call('ZREM', ARGV[at + 4], ARGV[at + 6])
        mine = false
    end
    if ARGV[4] ~= '' then call('SELECT', ARGV[5]) end
    if mine then ended[token] = true end
    return mine
end

local function set(key, value, ttl)
    if ttl == '' then call('SET', key, value) else call('SET', key, value, 'EX', ttl) end
end

-- Counts a part as celery/backends/redis.py does. Who completes the chord leaves a record of what is to be done in the
-- same step, and no instant is left in which nobody knows. Keys of another type count for nothing.
local function returnPart(at)
    local base, member, ordered, token = ARGV[at + 1], ARGV[at + 2], ARGV[at + 5] == '1', ARGV[at + 8]
    if try('GET', base .. '.c') == 'done' then
        if ARGV[at + 14] == '1' then return nil end
        -- Sent once more under the same ids, and quicker here than its producer, which says so only before the last part.
        call('DEL', base .. '.c')
    end
    if try('SISMEMBER', base .. '.d', member) == 0 then
        if ordered then
            try('ZADD', base .. '.j', ARGV[at + 3], ARGV[at + 4])
        else
            try('RPUSH', base .. '.j', ARGV[at + 4])
        end
        call('SADD', base .. '.d', member)
    end
    local ready = ordered and try('ZCARD', base .. '.j') or try('LLEN', base .. '.j')
    if ARGV[at + 6] ~= '' then
        for _, key in ipairs({ '.j', '.t', '.s', '.d' }) do call('EXPIRE', base .. key, ARGV[at + 6]) end
        if ARGV[at + 7] ~= '' then call('EXPIRE', base, ARGV[at + 7]) end
    end
    local size, more = try('GET', base .. '.s'), try('GET', base .. '.t')
    size = type(size) == 'string' and tonumber(size)
    more = type(more) == 'string' and tonumber(more) or 0
    if not size or ready ~= size + more then return nil end
    if not call('SET', base .. '.c', token, 'NX', 'EX', ARGV[at + 9]) then return nil end
    call('HSET', ARGV[at + 11], ARGV[at + 12], token .. '\n' .. ARGV[at + 13])
    call('ZADD', ARGV[at + 10], call('TIME')[1], ARGV[at + 12])
    call('EXPIRE', ARGV[at + 11], ARGV[at + 9])
    call('EXPIRE', ARGV[at + 10], ARGV[at + 9])
    return token
end

local function endChord(at)
    local base = ARGV[at + 1]
    if ARGV[at + 3] == '1' then
        call('DEL', base .. '.j', base .. '.t', base .. '.s', base .. '.d')
        -- A part that is delivered once more must not begin the chord again.
        call('SET', base .. '.c', 'done', 'EX', 300)
    else
        call('DEL', base .. '.s')
        call('EXPIRE', base .. '.c', 300)
    end
    call('HDEL', ARGV[at + 5], ARGV[at + 6])
    call('ZREM', ARGV[at + 4], ARGV[at + 6])
end

-- One look for all: a call costs more than what it looks up.
local missing = false
local leases = call('ZMSCORE', KEYS[2], unpack(ARGV, 7, 6 + total))
for n = 1, total do
    local tag, ack, effects = ARGV[6 + n], ARGV[at], tonumber(ARGV[at + 1])
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
            if held then bury(letters, limits, ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]) end
            at = at + 5
        elseif kind == 'F' then
            if held then call('HDEL', KEYS[6], ARGV[at + 1]) end
            at = at + 2
        elseif kind == 'J' then
            if held then chords[#chords + 1] = { n, at } end
            at = at + 15
        elseif kind == 'C' then
            if held then chords[#chords + 1] = { n, at } end
            at = at + 5
        elseif kind == 'T' then
            if held then chords[#chords + 1] = { n, at } end
            at = at + 2
        elseif kind == 'D' then
            held = held and claimed(at)
            answer[n] = held and 1 or 0
            if held then chords[#chords + 1] = { n, at } end
            at = at + 7
        else
            return redis.error_reply('CELERIAC unknown effect ' .. tostring(kind))
        end
    end
    if held and ack == '1' and tag ~= '' then
        acked[#acked + 1] = tag
        gone[tag] = true
    end
    if not held then missing = true end
end
remember(at, KEYS[7], KEYS[8], missing and answer or nil)
for first = 1, #acked, 1000 do
    local last = math.min(first + 999, #acked)
    call('ZREM', KEYS[2], unpack(acked, first, last))
    call('HDEL', KEYS[1], unpack(acked, first, last))
end
-- SELECT inside a script lasts for the script only, so the other database is written in the same atomic step.
if ARGV[4] ~= '' and #results + #chords > 0 then call('SELECT', ARGV[4]) end
if #results > 0 then
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
end
for _, chord in ipairs(chords) do
    local n, place = chord[1], chord[2]
    local kind, base = ARGV[place], ARGV[place + 1]
    if kind == 'J' then
        local token = returnPart(place)
        if token then
            if answer[n] == 1 then answer[n] = {} end
            table.insert(answer[n], token)
        end
    elseif kind == 'C' then
        call('DEL', base .. '.c')
        set(base .. '.s', ARGV[place + 2], ARGV[place + 3])
        if ARGV[place + 4] ~= '' then set(base, ARGV[place + 4], ARGV[place + 3]) end
    elseif kind == 'T' then
        -- What is no number is nobody's count.
        try('INCRBY', base .. '.t', 1)
    else
        endChord(place)
    end
end
return answer
