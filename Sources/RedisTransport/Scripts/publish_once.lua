-- Pushes messages unless that was done before: the end of a chord may be tried again by somebody else.
--
-- KEYS[1] marker             string
-- ARGV[1] seconds the marker is kept
-- ARGV[2...] list, item, ...
--
-- Returns 1 when they were pushed now.
if not redis.call('SET', KEYS[1], '1', 'NX', 'EX', ARGV[1]) then return 0 end
for i = 2, #ARGV, 2 do
    -- A key of another type takes no message; the others are pushed all the same.
    redis.pcall('LPUSH', ARGV[i], ARGV[i + 1])
end
return 1
