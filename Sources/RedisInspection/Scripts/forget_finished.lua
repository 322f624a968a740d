-- Forgets one finished task: readers pass it over.
--
-- KEYS[1]  counts      hash; the field `forgotten:` changes with each
-- KEYS[2]  forgotten   sorted set: outcome, newline, queue, newline, number of the task in its stream -> when, seconds
-- ARGV[1]  the member
-- ARGV[2]  how many are remembered
-- ARGV[3]  seconds for which they are remembered after the last one: as long as the tasks themselves
local time = redis.call('TIME')
if redis.call('ZADD', KEYS[2], time[1] .. '.' .. string.format('%06d', time[2]), ARGV[1]) == 0 then return 0 end
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -ARGV[2] - 1)
redis.call('EXPIRE', KEYS[2], ARGV[3])
redis.call('HINCRBY', KEYS[1], 'forgotten:', 1)
return 1
