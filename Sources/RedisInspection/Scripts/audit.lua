-- Adds a change to the list of changes and keeps the list bounded.
--
-- KEYS[1]  audit   list: changes as JSON, newest first
-- ARGV[1]  the change
-- ARGV[2]  how many are kept
-- ARGV[3]  seconds for which they are kept after the last one
redis.call('LPUSH', KEYS[1], ARGV[1])
redis.call('LTRIM', KEYS[1], 0, ARGV[2] - 1)
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
