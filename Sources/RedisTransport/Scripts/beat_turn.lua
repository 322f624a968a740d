-- A beat's sign of life: takes or keeps the lease, and tells the time.
--
-- KEYS[1] entries            hash: entry -> state; '' -> epoch
-- KEYS[2] lease              string: beat
-- KEYS[3] beats              sorted set: beat -> last sign of life, seconds
-- KEYS[4] counts             hash
-- KEYS[5] paused             set: entries that are passed over
-- ARGV[1] beat
-- ARGV[2] milliseconds the lease lasts
-- ARGV[3] errors to add
-- ARGV[4] seconds all of this is kept without a beat
-- ARGV[5] seconds of silence after which a beat is forgotten
--
-- Returns { microseconds now, 1 when this beat holds the lease, newest sign of life before, epoch }; '' for none.
local call = redis.call
local time = call('TIME')
local newest = call('ZRANGE', KEYS[3], -1, -1, 'WITHSCORES')
call('ZADD', KEYS[3], time[1] .. '.' .. string.format('%06d', time[2]), ARGV[1])
call('ZREMRANGEBYSCORE', KEYS[3], '-inf', '(' .. (time[1] - ARGV[5]))
local holder = call('GET', KEYS[2])
if not holder or holder == ARGV[1] then
    call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
    holder = ARGV[1]
end
if ARGV[3] ~= '0' then call('HINCRBY', KEYS[4], 'errors', ARGV[3]) end
for _, key in ipairs({ KEYS[1], KEYS[3], KEYS[4], KEYS[5] }) do call('EXPIRE', key, ARGV[4]) end
return {
    time[1] .. string.format('%06d', time[2]), holder == ARGV[1] and 1 or 0, newest[2] or '',
    call('HGET', KEYS[1], '') or '',
}
