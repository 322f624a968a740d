-- Drops entries of streams of finished tasks that are older than these are kept.
--
-- KEYS[...]                  the streams, as history.lua writes them
--
-- Returns how many entries went.
-- An entry's id begins with a number that only grows, so the first one to keep is found by halving. How long entries are
-- kept stands in the newest.
local now = redis.call('TIME')
local milliseconds = tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000)

local function parts(entry)
    local number, time = string.match(entry[1], '^(%d+)-(%d+)$')
    return tonumber(number), tonumber(time)
end

local dropped = 0
for _, stream in ipairs(KEYS) do
    local newest = redis.pcall('XREVRANGE', stream, '+', '-', 'COUNT', 1)
    if not newest.err and newest[1] then
        local age
        for place = 1, #newest[1][2], 2 do
            if newest[1][2][place] == 'a' then age = tonumber(newest[1][2][place + 1]) end
        end
        local oldest = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
        local low, time = parts(oldest)
        local high = parts(newest[1])
        local limit = age and milliseconds - age * 1000
        if limit and time < limit then
            -- All up to `low` are too old; find the largest number of which that holds.
            while low < high do
                local middle = math.ceil((low + high) / 2)
                local entry = redis.call('XRANGE', stream, string.format('%.0f', middle), '+', 'COUNT', 1)[1]
                local number, at = parts(entry)
                if at < limit then low = number else high = middle - 1 end
            end
            dropped = dropped + redis.call('XTRIM', stream, 'MINID', '=', string.format('%.0f', low + 1))
        end
    end
end
return dropped
