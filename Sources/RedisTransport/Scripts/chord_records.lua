-- Reads the records of tasks whose group was saved.
--
-- KEYS[1...] result records  strings
-- ARGV[1] the database of the results, or '' when they live in this one
-- ARGV[2] the database of this connection
--
-- Returns the records in order, '' where there is none.
if ARGV[1] ~= '' then redis.call('SELECT', ARGV[1]) end
local records = redis.call('MGET', unpack(KEYS))
if ARGV[1] ~= '' then redis.call('SELECT', ARGV[2]) end
for i = 1, #KEYS do records[i] = records[i] or '' end
return records
