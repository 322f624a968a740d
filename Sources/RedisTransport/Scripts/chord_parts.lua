-- Reads what the header of a complete chord has brought together.
--
-- KEYS[1] the saved group    string, or missing where the header contains no group
-- KEYS[2] the parts          sorted set or list of [1, task id, state, result]
-- ARGV[1] the database of the results, or '' when they live in this one
-- ARGV[2] the database of this connection
-- ARGV[3] how many bytes the parts may have
--
-- Returns { saved group or '', parts in order }, or nil when there is more of them than may be.
if ARGV[1] ~= '' then redis.call('SELECT', ARGV[1]) end
local saved = redis.pcall('GET', KEYS[1])
local read = ({ zset = 'ZRANGE', list = 'LRANGE' })[redis.call('TYPE', KEYS[2]).ok]
local parts, left, first = {}, tonumber(ARGV[3]), 0
while read and left >= 0 do
    local some = redis.call(read, KEYS[2], first, first + 999)
    for _, part in ipairs(some) do
        left = left - #part
        parts[#parts + 1] = part
    end
    if #some < 1000 then break end
    first = first + 1000
end
if ARGV[1] ~= '' then redis.call('SELECT', ARGV[2]) end
if left < 0 then return nil end
return { type(saved) == 'string' and saved or '', parts }
