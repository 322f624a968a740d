-- What the scripts about tenants share; stands before them.

-- A tenant's plan: its name and its bounds, 0 for none. `assigned` was set at run time, `written` in the configuration.
local function planOf(plans, default, assigned, written)
    local name = assigned or written
    if not plans[name] then name = default end
    return name, plans[name][1], plans[name][2]
end

-- How many slots of a tenant are taken, and how many of these are kept for tasks on their way back to their queues.
--
-- The score says what a slot lives by: 1 as long as its tag is held, 2 as long as its worker lives, else until that
-- moment. A worker that dies frees its slots in the step in which its messages are taken back.
local function slots(key, index, workers, now, silence, keep)
    local members = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
    local count, kept, gone = 0, 0, {}
    for i = 1, #members, 2 do
        local member, kind = members[i], tonumber(members[i + 1])
        local alive
        if kind == 1 then
            alive = redis.call('ZSCORE', index, member)
        elseif kind == 2 then
            local seen = redis.call('ZSCORE', workers, string.match(member, '^[^:]*'))
            alive = seen and tonumber(seen) > now - silence
        else
            alive = kind > now
            if alive then kept = kept + 1 end
        end
        if alive then count = count + 1 else gone[#gone + 1] = member end
    end
    if #gone > 0 and not keep then redis.call('ZREM', key, unpack(gone)) end
    return count, kept
end

-- When a tenant's next task may start: a minute after the first of those that fill the minute, or soon, should nobody
-- say that a slot is free.
local function lookAt(started, full, now)
    if full then
        local first = redis.call('ZRANGE', started, 0, 0, 'WITHSCORES')
        if first[2] then return math.max(tonumber(first[2]) + 60, now) end
    end
    return now + 5
end
