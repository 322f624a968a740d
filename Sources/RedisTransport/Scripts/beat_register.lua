-- Makes entries known as a beat has loaded them; what was loaded differently before is replaced.
--
-- KEYS[1] entries            hash: entry -> state; '' -> epoch
-- ARGV[1] the epoch, for a hash that is new
-- ARGV[2] microseconds that a mark may lie ahead of now and still be believed
-- then    per entry, at most 2000 of them: name; content and timing fingerprint, sixteen digits each with a blank between,
--         and behind another blank the state for an entry that is not known, if there is one
--
-- A state is twelve words: content, timing, anchor, mark, slot, sent at, sent, missed, skipped, lag, task id, sender;
-- times in microseconds, '-' for none. `Schedules/State/EntryState.swift` is the same in Swift.
--
-- Returns { microseconds now, the state of each }; '' for an entry that is new, which begins now.
local call = redis.call
local time = call('TIME')
local now = time[1] .. string.format('%06d', time[2])
local believed = tonumber(now) + tonumber(ARGV[2])
call('HSETNX', KEYS[1], '', ARGV[1])
local names = {}
for at = 3, #ARGV, 2 do names[#names + 1] = ARGV[at] end
local answer = { now }
if #names == 0 then return answer end
-- One look and one write for all: a call costs more than what it does.
local known = call('HMGET', KEYS[1], unpack(names))
local changed = {}
local fresh = table.concat({ '', now, now, '- - 0 0 0 0 - -' }, ' ')
for n, name in ipairs(names) do
    local told = ARGV[2 * n + 2]
    local prints = string.sub(told, 1, 33)
    local state = known[n] or (#told > 34 and string.sub(told, 35))
    if not state then
        state = prints .. fresh
        answer[n + 1] = ''
    else
        local timing, anchor, mark, slot, rest = string.match(state, '^%S+ (%S+) (%S+) (%S+) (%S+) (.*)$')
        if not timing then return redis.error_reply('CELERIAC unreadable state of a schedule entry') end
        if timing ~= string.sub(prints, 18) then
            -- New times begin now, and intervals run on from the last run.
            if slot ~= '-' then anchor = slot end
            if tonumber(mark) < tonumber(now) then mark = now end
        end
        -- No beat sends ahead of its time: such a mark was set while the clock was wrong.
        if tonumber(mark) > believed then mark = now end
        state = table.concat({ prints, anchor, mark, slot, rest }, ' ')
        answer[n + 1] = state
    end
    if state ~= known[n] then
        changed[#changed + 1] = name
        changed[#changed + 1] = state
    end
end
if #changed > 0 then call('HSET', KEYS[1], unpack(changed)) end
return answer
