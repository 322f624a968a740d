-- Counts what runs and waits for tenants; changes nothing.
--
-- KEYS[1] unacked_index      sorted set: tag -> seconds
-- KEYS[2] workers            sorted set: worker id -> last sign of life, seconds
-- KEYS[3] tenants            hash: tenant -> name of its plan
-- ARGV[1] what the keys of one tenant begin with: then 'running:', 'started:', 'queue:', 'sent:' and its name
-- ARGV[2] seconds of silence after which a worker counts as dead
-- ARGV[3...] tenants
--
-- Returns per tenant { plan set at run time or '', running, started in the last minute, waiting, sent in the last
-- minute }.
local call = redis.call
local time = call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
local minute = string.format('(%.6f', now - 60)
local usage = {}
for at = 3, #ARGV do
    local tenant = ARGV[at]
    local count, kept = slots(ARGV[1] .. 'running:' .. tenant, KEYS[1], KEYS[2], now, tonumber(ARGV[2]), true)
    usage[#usage + 1] = {
        call('HGET', KEYS[3], tenant) or '', count - kept,
        call('ZCOUNT', ARGV[1] .. 'started:' .. tenant, minute, '+inf'),
        call('ZCARD', ARGV[1] .. 'queue:' .. tenant),
        call('ZCOUNT', ARGV[1] .. 'sent:' .. tenant, minute, '+inf'),
    }
end
return usage
