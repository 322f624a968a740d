-- Takes, keeps or gives back the turn of telling about dead letters, and remembers what was told.
--
-- KEYS[1]  turn     string: the gateway whose turn it is
-- KEYS[2]  alerts   hash: hook -> what was told, as JSON
-- ARGV[1]  'take', 'keep' or 'leave'
-- ARGV[2]  the gateway
-- ARGV[3]  with 'take', milliseconds for which the turn lasts
--          with 'keep', seconds for which what was told is remembered
-- ARGV[4]  with 'keep', the hook
-- ARGV[5]  with 'keep', what it was told
--
-- Returns 1 where the turn is this gateway's.
local call = redis.call
local holder = call('GET', KEYS[1])
if ARGV[1] == 'take' then
    if holder and holder ~= ARGV[2] then return 0 end
    call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
    return 1
end
if holder ~= ARGV[2] then return 0 end
if ARGV[1] == 'leave' then
    call('DEL', KEYS[1])
    return 1
end
call('HSET', KEYS[2], ARGV[4], ARGV[5])
call('EXPIRE', KEYS[2], ARGV[3])
return 1
