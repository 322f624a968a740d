-- Sends slots: for each, the mark of its entry moves and its message is pushed, or neither.
--
-- KEYS[1] entries            hash: entry -> state; see beat_register.lua
-- KEYS[2] counts             hash
-- KEYS[3] paused             set: entries that are passed over
-- ARGV[1] the beat's name
-- ARGV[2] microseconds that a slot may lie ahead of now
-- ARGV[3] the database of the results, or '' when they live in this one
-- ARGV[4] the database of this connection
-- ARGV[5] how many queues are bound
-- then    per queue: exchange's binding key, permanent binding key, member
-- then    per slot: entry, content fingerprint, expected mark, slot, when it was due, missed, task id, list or '', item,
--         result key before the last task id or '', microseconds for which an unfinished run passes the slot over or ''
--
-- Returns for each: 'D' done, 'P' the entry is paused, 'U' the last run is unfinished, 'N' not known, 'E' early; or { 'M', state } the mark is
-- elsewhere, { 'R', state } loaded differently by another beat, { 'X', error } the list takes nothing.
local call, try = redis.call, redis.pcall
local time = call('TIME')
local now = time[1] .. string.format('%06d', time[2])
local at = 6
for _ = 1, tonumber(ARGV[5]) do
    -- Bindings concern producers that look them up; a key of another type must not keep messages from their queue.
    try('SADD', ARGV[at], ARGV[at + 2])
    try('SADD', ARGV[at + 1], ARGV[at + 2])
    at = at + 3
end

-- Whether the last run has a record that says that it ended. Without one it has not begun, or its result is not kept.
local function isFinished(key)
    if ARGV[3] ~= '' then call('SELECT', ARGV[3]) end
    local record = try('GET', key)
    if ARGV[3] ~= '' then call('SELECT', ARGV[4]) end
    if type(record) ~= 'string' then return false end
    -- JSON, YAML and MessagePack; the status stands first.
    local status = string.match(record, 'status"?:? ?"?[\160-\191]?(%u+)')
    return status == 'SUCCESS' or status == 'FAILURE' or status == 'REVOKED' or status == 'REJECTED'
        or status == 'IGNORED'
end

local answer, counts = {}, { sent = 0, missed = 0, skipped = 0 }
local function step(at)
    local entry, expected, slot, list = ARGV[at], ARGV[at + 2], ARGV[at + 3], ARGV[at + 7]
    local state = call('HGET', KEYS[1], entry)
    if not state then return 'N' end
    local content, timing, anchor, mark, lastSlot, sentAt, sent, missed, skipped, lag, id, sender =
        string.match(state, '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (.*)$')
    if not content then return redis.error_reply('CELERIAC unreadable state of a schedule entry') end
    if content ~= ARGV[at + 1] then return { 'R', state } end
    if mark ~= expected then return { 'M', state } end
    if tonumber(slot) > tonumber(now) + tonumber(ARGV[2]) then return 'E' end
    local outcome = 'D'
    if list ~= '' then
        local bound = ARGV[at + 10]
        -- A key of another type pauses nothing.
        if try('SISMEMBER', KEYS[3], entry) == 1 then
            outcome = 'P'
        elseif bound ~= '' and id ~= '-' and tonumber(now) - tonumber(sentAt) < tonumber(bound)
            and not isFinished(ARGV[at + 9] .. id) then
            outcome = 'U'
            skipped = skipped + 1
            counts.skipped = counts.skipped + 1
        else
            -- First, because it is what can fail: nothing has been written for this slot yet.
            local pushed = try('LPUSH', list, ARGV[at + 8])
            if type(pushed) == 'table' and pushed.err then return { 'X', pushed.err } end
            lastSlot, sentAt, sent, id, sender = slot, now, sent + 1, ARGV[at + 6], ARGV[1]
            lag = string.format('%.0f', math.max(0, tonumber(now) - tonumber(ARGV[at + 4])))
            counts.sent = counts.sent + 1
            counts.lag = lag
        end
    end
    missed = missed + ARGV[at + 5]
    counts.missed = counts.missed + ARGV[at + 5]
    call('HSET', KEYS[1], entry, table.concat({
        content, timing, anchor, slot, lastSlot, sentAt, string.format('%d', sent), string.format('%d', missed),
        string.format('%d', skipped), lag, id, sender,
    }, ' '))
    return outcome
end

while at <= #ARGV do
    answer[#answer + 1] = step(at)
    at = at + 11
end
for name, more in pairs(counts) do
    if name == 'lag' then
        call('HSET', KEYS[2], 'lag', more)
    elseif more > 0 then
        call('HINCRBY', KEYS[2], name, more)
    end
end
return answer
