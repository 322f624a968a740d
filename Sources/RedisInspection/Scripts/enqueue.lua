-- Sends a message, unless its task was sent before or its queue is full, in one step.
--
-- KEYS[1] _kombu.binding.<queue>            set of bindings, for producers that look them up
-- KEYS[2] _kombu.binding_permanent.<queue>  the same, for queues that do not expire
-- KEYS[3] celeriac:unique:<task id>         string: a task of this id was sent; expires
-- KEYS[4] the list the message goes to
-- KEYS[5...] all lists of the queue
-- ARGV[1] the message
-- ARGV[2] the queue's binding
-- ARGV[3] most waiting messages, or -1
-- ARGV[4] milliseconds for which no second message of the task id is sent, or 0
--
-- Returns { 'sent' }, { 'exists' } or { 'full', waiting messages }.
local lifetime = tonumber(ARGV[4])
if lifetime > 0 and redis.call('EXISTS', KEYS[3]) == 1 then return { 'exists' } end
local most = tonumber(ARGV[3])
if most >= 0 then
    local depth = 0
    for place = 5, #KEYS do depth = depth + redis.call('LLEN', KEYS[place]) end
    if depth >= most then return { 'full', depth } end
end
redis.call('SADD', KEYS[1], ARGV[2])
redis.call('SADD', KEYS[2], ARGV[2])
redis.call('LPUSH', KEYS[4], ARGV[1])
if lifetime > 0 then redis.call('SET', KEYS[3], '1', 'PX', lifetime) end
return { 'sent' }
