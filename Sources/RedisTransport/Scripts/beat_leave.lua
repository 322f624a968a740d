-- Signs a beat off.
--
-- KEYS[1] lease              string: beat
-- KEYS[2] beats              sorted set: beat -> last sign of life, seconds
-- ARGV[1] beat
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return redis.call('ZREM', KEYS[2], ARGV[1])
