-- Stands before the script that commits: keeps the message of a task that has failed for good.
--
-- keys   the names of: letters by time, their facts, their messages, their totals
-- limits how many are kept, how many bytes, for how many seconds
--
-- A letter of the same task takes the place of the earlier one, and counts on. An item that is too large is left out; its
-- letter says why it cannot be sent again. What is kept here must never keep a task from ending: a key that holds something
-- else is left alone.
local function bury(keys, limits, id, facts, list, item)
    local call, try = redis.call, redis.pcall
    local totals = try('HMGET', keys.totals, 'last', 'bytes')
    local before = try('HGET', keys.facts, id)
    if totals.err or type(before) == 'table' then return end
    local kinds = { [keys.letters] = 'zset', [keys.messages] = 'hash' }
    for key, kind in pairs(kinds) do
        local type = call('TYPE', key).ok
        if type ~= kind and type ~= 'none' then return end
    end

    local bytes = tonumber(totals[2]) or 0
    local function drop(old)
        bytes = bytes - call('HSTRLEN', keys.facts, old) - call('HSTRLEN', keys.messages, old)
        call('HDEL', keys.facts, old)
        call('HDEL', keys.messages, old)
        call('ZREM', keys.letters, old)
    end
    local failures = 1
    if before then
        failures = (tonumber(string.match(before, '^%d+')) or 0) + 1
        drop(id)
    end

    local now = call('TIME')
    local moment = tonumber(now[1]) * 1000000 + tonumber(now[2])
    -- Readers read on from the last one they have seen, so no two share a moment.
    local last = tonumber(totals[1]) or 0
    if moment <= last then moment = last + 1 end
    local score = string.format('%.0f', moment)
    if #item > limits.bytes / 4 then item = '' end
    facts, item = failures .. '\n' .. facts, list .. '\n' .. item
    bytes = bytes + #facts + #item
    call('HSET', keys.facts, id, facts)
    call('HSET', keys.messages, id, item)
    call('ZADD', keys.letters, score, id)

    local oldest = string.format('%.0f', moment - limits.seconds * 1000000)
    local over = call('ZCARD', keys.letters) - limits.count
    for _ = 1, 1000 do
        local first = call('ZRANGE', keys.letters, 0, 0, 'WITHSCORES')
        if not first[1] or not (over > 0 or bytes > limits.bytes or tonumber(first[2]) < tonumber(oldest)) then break end
        drop(first[1])
        over = over - 1
    end
    call('HSET', keys.totals, 'last', score, 'bytes', string.format('%.0f', bytes))
    call('HINCRBY', keys.totals, 'ever', 1)
    for _, key in pairs(keys) do call('EXPIRE', key, limits.seconds) end
end

