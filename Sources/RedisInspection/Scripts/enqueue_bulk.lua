-- Sends messages to one queue in their order, all of them or none, in one step; leaves out those whose task was sent before.
--
-- KEYS[1] _kombu.binding.<queue>            set of bindings, for producers that look them up
-- KEYS[2] _kombu.binding_permanent.<queue>  the same, for queues that do not expire
-- KEYS[3...2 + lists] all lists of the queue
-- KEYS[3 + lists...] celeriac:unique:<task id>  string: a task of this id was sent; expires. One for each message
-- ARGV[1] the queue's binding
-- ARGV[2] most waiting messages, those that are sent among them, or -1
-- ARGV[3] how many lists the queue has
-- ARGV[4...] three for each message: the message; the place of its list, counted from 1; milliseconds for which no second
--            message of its task id is sent, or 0
--
-- Returns { 'sent', places of the messages that were left out, counted from 1... } or { 'full', waiting messages }.
local most, lists = tonumber(ARGV[2]), tonumber(ARGV[3])
local count = (#ARGV - 3) / 3
local fresh, existing, seen = {}, { 'sent' }, {}
for place = 1, count do
    local key = KEYS[2 + lists + place]
    local lifetime = tonumber(ARGV[3 * place + 3])
    if lifetime > 0 and (seen[key] or redis.call('EXISTS', key) == 1) then
        existing[#existing + 1] = place
    else
        if lifetime > 0 then seen[key] = true end
        fresh[#fresh + 1] = place
    end
end
if #fresh == 0 then return existing end
if most >= 0 then
    local depth = 0
    for place = 3, 2 + lists do depth = depth + redis.call('LLEN', KEYS[place]) end
    if depth + #fresh > most then return { 'full', depth } end
end
redis.call('SADD', KEYS[1], ARGV[1])
redis.call('SADD', KEYS[2], ARGV[1])
for _, place in ipairs(fresh) do
    local at = 3 * place + 1
    redis.call('LPUSH', KEYS[2 + tonumber(ARGV[at + 1])], ARGV[at])
    local lifetime = tonumber(ARGV[at + 2])
    if lifetime > 0 then redis.call('SET', KEYS[2 + lists + place], '1', 'PX', lifetime) end
end
return existing
