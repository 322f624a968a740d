-- Forgets the oldest tasks of a stream of finished tasks, as history.lua writes it.
--
-- KEYS[1]  counts   hash; the field notes up to which task all are forgotten: readers cut the oldest entry there
-- KEYS[2]  the stream
-- ARGV[1]  the field
-- ARGV[2]  the number of the last task that is forgotten
local before = tonumber(redis.call('HGET', KEYS[1], ARGV[1])) or 0
if before >= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
-- An entry's id begins with the number of its last task.
redis.pcall('XTRIM', KEYS[2], 'MINID', '=', string.format('%.0f', tonumber(ARGV[2]) + 1))
return 1
