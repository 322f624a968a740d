-- Lets held messages of tenants start, or parks them behind those of their tenant that wait, in one step.
--
-- KEYS[1] unacked            hash: tag -> held message
-- KEYS[2] unacked_index      sorted set: tag -> seconds
-- KEYS[3] workers            sorted set: worker id -> last sign of life, seconds
-- KEYS[4] parked             sorted set: member -> due, seconds
-- KEYS[5] parked messages    hash: member -> list key, newline, item
-- KEYS[6] tenants            hash: tenant -> name of its plan
-- KEYS[7] seen               sorted set: tenant -> when it was seen last, seconds
-- KEYS[8] waiting            sorted set: tenant of which tasks wait -> when to look, seconds
-- KEYS[9] sequence           number of the task that was parked last
-- ARGV[1] what the keys of one tenant begin with: then 'running:', 'started:', 'queue:' and its name
-- ARGV[2] seconds of silence after which a worker counts as dead
-- ARGV[3] the plans as JSON: name -> [at once, in a minute], 0 for no bound
-- ARGV[4] the name of the default plan
-- ARGV[5] seconds after which a parked message goes back by itself
-- ARGV[6] seconds the keys of a tenant are kept
-- ARGV[7] most tenants that are remembered
-- then    per message: tag, '1' or '2' as its slot lives, tenant, its plan's name as configured, task id, priority step,
--         list, how the held message ends behind the item, name to park it under, '1' to be the first of its tenant
--
-- Returns { when to look next or '', answers }; an answer is 1: may start, 0: no longer held, or
-- { 'concurrency' or 'per_minute', the bound, the plan's name }: parked.
local call = redis.call
local time = call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
local silence, plans = tonumber(ARGV[2]), cjson.decode(ARGV[3])
local states, answers = {}, {}

local function load(tenant, written)
    local state = {
        running = ARGV[1] .. 'running:' .. tenant,
        started = ARGV[1] .. 'started:' .. tenant,
        queue = ARGV[1] .. 'queue:' .. tenant,
    }
    state.plan, state.most, state.rate = planOf(plans, ARGV[4], call('HGET', KEYS[6], tenant), written)
    state.count, state.kept = slots(state.running, KEYS[2], KEYS[3], now, silence)
    state.waiting = call('ZCARD', state.queue)
    state.begun = 0
    if state.rate > 0 then
        call('ZREMRANGEBYSCORE', state.started, '-inf', string.format('%.6f', now - 60))
        state.begun = call('ZCARD', state.started)
    end
    call('ZADD', KEYS[7], time[1], tenant)
    return state
end

for at = 8, #ARGV, 10 do
    local tag, tenant, id = ARGV[at], ARGV[at + 2], ARGV[at + 4]
    local state = states[tenant]
    if not state then
        state = load(tenant, ARGV[at + 3])
        states[tenant] = state
    end
    local full = state.most > 0 and state.count >= state.most
    local spent = state.rate > 0 and state.begun + state.kept >= state.rate
    if call('ZSCORE', state.running, tag) then
        -- Asked once more, because the answer was lost.
        answers[#answers + 1] = 1
    elseif not call('ZSCORE', KEYS[2], tag) then
        answers[#answers + 1] = 0
    else
        local kept = call('ZREM', state.running, 'kept:' .. id) == 1
        if kept then
            state.count = state.count - 1
            state.kept = state.kept - 1
        end
        if kept or not (full or spent or state.waiting > 0) then
            call('ZADD', state.running, ARGV[at + 1], tag)
            call('EXPIRE', state.running, ARGV[6])
            state.count = state.count + 1
            if state.rate > 0 then
                call('ZADD', state.started, string.format('%.6f', now), tag)
                call('EXPIRE', state.started, 61)
                state.begun = state.begun + 1
            end
            answers[#answers + 1] = 1
        else
            local entry = call('HGET', KEYS[1], tag)
            local member, number = ARGV[at + 8], call('INCR', KEYS[9])
            if ARGV[at + 9] == '1' then number = -number end
            call('HSET', KEYS[5], member, ARGV[at + 6] .. '\n' .. string.sub(entry, 2, -1 - #ARGV[at + 7]))
            call('ZADD', KEYS[4], tonumber(time[1]) + tonumber(ARGV[5]), member)
            -- By priority, then in order; those that were on their way before are in front.
            call('ZADD', state.queue, string.format('%.0f', tonumber(ARGV[at + 5]) * 1e14 + 5e13 + number), member)
            call('EXPIRE', state.queue, ARGV[6])
            call('ZREM', KEYS[2], tag)
            call('HDEL', KEYS[1], tag)
            if state.waiting == 0 then
                call('ZADD', KEYS[8], string.format('%.6f', lookAt(state.started, spent and not full, now)), tenant)
                call('EXPIRE', KEYS[8], ARGV[6])
            end
            state.waiting = state.waiting + 1
            local isRate = spent and not full or state.most == 0
            answers[#answers + 1] = {
                isRate and 'per_minute' or 'concurrency', isRate and state.rate or state.most, state.plan,
            }
        end
    end
end
call('EXPIRE', KEYS[7], ARGV[6])
call('ZREMRANGEBYRANK', KEYS[7], 0, -1 - tonumber(ARGV[7]))
local next = call('ZRANGE', KEYS[8], 0, 0, 'WITHSCORES')
return { next[2] or '', answers }
