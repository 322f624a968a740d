-- Stands before the scripts that end tasks: records their ends in the history, a whole batch with a few commands.
--
-- At ARGV[at] stand
--         how many streams, then per stream: its key, its count's field, how many tasks it keeps, seconds it keeps them,
--             how many tasks, the places of their commits in the batch ('' for all), the lines of the newest of them
--         how many other counts, then per count: field, number, places as above
--         how many durations, then per duration: field, number
--
-- An entry's id is the number of tasks that the stream has ever seen, with it, and the milliseconds of its time. So XADD
-- drops in the same command every entry of which no task is to be kept. Readers cut the oldest entry to the exact number.
-- What is recorded must never keep a task from ending: keys that hold something else are left alone.
local function remember(at, counts, durations, held)
    local call, try = redis.call, redis.pcall
    local streams = tonumber(ARGV[at])
    at = at + 1

    -- Of these tasks, those whose messages were still held: how many, and their lines.
    local function ours(number, places, lines)
        if not held then return number, lines end
        local all, split, kept, count = {}, {}, {}, 0
        if places == '' then
            for n = 1, number do all[n] = n end
        else
            for place in string.gmatch(places, '%d+') do all[#all + 1] = tonumber(place) end
        end
        for line in string.gmatch(lines, '[^\n]+') do split[#split + 1] = line end
        local first = #all - #split
        for n, place in ipairs(all) do
            if held[place] == 1 then
                count = count + 1
                if n > first then kept[#kept + 1] = split[n - first] end
            end
        end
        return count, table.concat(kept, '\n')
    end

    local function add(stream, field, total, number, keep, age, lines)
        local now = call('TIME')
        local function entry()
            local id = string.format('%.0f-%.0f', total, tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000))
            local first = string.format('%.0f', math.max(total - keep, 0) + 1)
            return try('XADD', stream, 'MINID', '=', first, id, 'k', keep, 'a', age, 'r', lines)
        end
        local answer = entry()
        if type(answer) == 'table' and answer.err and string.find(answer.err, 'equal or smaller', 1, true) then
            -- The counts were lost and the stream was not: go on from where it is.
            local top = call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
            total = (top and tonumber(string.match(top[1], '^%d+')) or 0) + number
            call('HSET', counts, field, string.format('%.0f', total))
            answer = entry()
        end
        if type(answer) ~= 'table' then call('EXPIRE', stream, age) end
    end

    for _ = 1, streams do
        local stream, field, keep, age = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2]), ARGV[at + 3]
        local number, lines = ours(tonumber(ARGV[at + 4]), ARGV[at + 5], ARGV[at + 6])
        if number > 0 then
            local total = try('HINCRBY', counts, field, number)
            if type(total) == 'number' and lines ~= '' then add(stream, field, total, number, keep, age, lines) end
        end
        at = at + 7
    end
    local others = tonumber(ARGV[at])
    at = at + 1
    for _ = 1, others do
        local number = ours(tonumber(ARGV[at + 1]), ARGV[at + 2], '')
        if number > 0 then try('HINCRBY', counts, ARGV[at], number) end
        at = at + 3
    end
    -- A run took its time, whoever held its message in the end.
    for n = 1, tonumber(ARGV[at]) do try('HINCRBY', durations, ARGV[at + 2 * n - 1], ARGV[at + 2 * n]) end
end

