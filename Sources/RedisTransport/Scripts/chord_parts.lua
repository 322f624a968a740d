-- Reads what the header of a complete chord has brought together.
--
-- KEYS[1] the saved group    string, or missing where the header contains no group
-- KEYS[2] the parts          sorted set or list of [1, task id, state, result]
-- ARGV[1] the database of the results, or '' when they live in this one
-- ARGV[2] the database of this connection
--
-- Returns { saved group or '', parts in order }.
if ARGV[1] ~= '' then redis.call('SELECT', ARGV[1]) end
local saved = redis.pcall('GET', KEYS[1])
local kind = redis.call('TYPE', KEYS[2]).ok
local parts = {}
if kind == 'zset' then
    parts = redis.call('ZRANGE', KEYS[2], 0, -1)
elseif kind == 'list' then
    parts = redis.call('LRANGE', KEYS[2], 0, -1)
end
if ARGV[1] ~= '' then redis.call('SELECT', ARGV[2]) end
return { type(saved) == 'string' and saved or '', parts }
