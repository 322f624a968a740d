-- Sends a message, unless its task was sent before or its queue is full, in one step.
--
-- KEYS[1] _kombu.binding.<queue>            set of bindings, for producers that look them up
-- KEYS[2] _kombu.binding_permanent.<queue>  the same, for queues that do not expire
-- KEYS[3] celeriac:unique:<task id>         string: a task of this id was sent; expires
-- KEYS[4] the list the message goes to
-- KEYS[5] celeriac:tenants                  hash: tenant -> name of its plan
-- KEYS[6] celeriac:tenants:sent:<tenant>    sorted set: task id -> when it was sent, seconds; expires
-- KEYS[7...] all lists of the queue
-- ARGV[1] the message
-- ARGV[2] the queue's binding
-- ARGV[3] most waiting messages, or -1
-- ARGV[4] milliseconds for which no second message of the task id is sent, or 0
-- ARGV[5] the tenant, or '' where nothing bounds it; then
-- ARGV[6] the task id
-- ARGV[7] the name of its plan as configured
-- ARGV[8] the plans as JSON: name -> [at once, in a minute], 0 for no bound
-- ARGV[9] the name of the default plan
--
-- Returns { 'sent' }, { 'exists' }, { 'full', waiting messages } or
-- { 'tenant', most in a minute, the plan's name, seconds until the next may be sent }.
local lifetime = tonumber(ARGV[4])
if lifetime > 0 and redis.call('EXISTS', KEYS[3]) == 1 then return { 'exists' } end
local most = tonumber(ARGV[3])
if most >= 0 then
    local depth = 0
    for place = 7, #KEYS do depth = depth + redis.call('LLEN', KEYS[place]) end
    if depth >= most then return { 'full', depth } end
end
if ARGV[5] ~= '' then
    local plans = cjson.decode(ARGV[8])
    local name = redis.call('HGET', KEYS[5], ARGV[5]) or ARGV[7]
    if not plans[name] then name = ARGV[9] end
    local rate = plans[name][2]
    if rate > 0 then
        local time = redis.call('TIME')
        local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
        redis.call('ZREMRANGEBYSCORE', KEYS[6], '-inf', string.format('%.6f', now - 60))
        if redis.call('ZCARD', KEYS[6]) >= rate then
            local first = redis.call('ZRANGE', KEYS[6], 0, 0, 'WITHSCORES')
            return { 'tenant', rate, name, math.max(1, math.ceil(tonumber(first[2]) + 60 - now)) }
        end
        -- One task may be sent again and again under its id.
        redis.call('ZADD', KEYS[6], string.format('%.6f', now), ARGV[6] .. ':' .. time[1] .. time[2])
        redis.call('EXPIRE', KEYS[6], 61)
    end
end
redis.call('SADD', KEYS[1], ARGV[2])
redis.call('SADD', KEYS[2], ARGV[2])
redis.call('LPUSH', KEYS[4], ARGV[1])
if lifetime > 0 then redis.call('SET', KEYS[3], '1', 'PX', lifetime) end
return { 'sent' }
