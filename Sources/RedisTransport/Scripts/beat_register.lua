-- Makes entries known as a beat has loaded them; what was loaded differently before is replaced.
--
-- KEYS[1] entries            hash: entry -> state; '' -> epoch
-- ARGV[1] the epoch, for a hash that is new
-- ARGV[2] microseconds that a mark may lie ahead of now and still be believed
-- then    per entry, at most 2000 of them: name, content fingerprint, timing fingerprint, state for one that is not known or ''
--
-- A state is twelve words: content, timing, anchor, mark, slot, sent at, sent, missed, skipped, lag, task id, sender;
-- times in microseconds, '-' for none. `Schedules/State/EntryState.swift` is the same in Swift.
--
-- Returns the state of each.
local call = redis.call
local time = call('TIME')
local now = time[1] .. string.format('%06d', time[2])
local believed = tonumber(now) + tonumber(ARGV[2])
call('HSETNX', KEYS[1], '', ARGV[1])
local names = {}
for at = 3, #ARGV, 4 do names[#names + 1] = ARGV[at] end
local answer = {}
if #names == 0 then return answer end
-- One look and one write for all: a call costs more than what it does.
local known = call('HMGET', KEYS[1], unpack(names))
local changed = {}
local fresh = table.concat({ '', now, now, '- - 0 0 0 0 - -' }, ' ')
for n, name in ipairs(names) do
    local at = 4 * n - 1
    local prints = ARGV[at + 1] .. ' ' .. ARGV[at + 2]
    local state = known[n]
    if not state then state = ARGV[at + 3] end
    if state == '' then
        state = prints .. fresh
    else
        local timing, anchor, mark, slot, rest = string.match(state, '^%S+ (%S+) (%S+) (%S+) (%S+) (.*)$')
        if not timing then return redis.error_reply('CELERIAC unreadable state of a schedule entry') end
        if timing ~= ARGV[at + 2] then
            -- New times begin now, and intervals run on from the last run.
            if slot ~= '-' then anchor = slot end
            if tonumber(mark) < tonumber(now) then mark = now end
        end
        -- No beat sends ahead of its time: such a mark was set while the clock was wrong.
        if tonumber(mark) > believed then mark = now end
        state = table.concat({ prints, anchor, mark, slot, rest }, ' ')
    end
    if state ~= known[n] then
        changed[#changed + 1] = name
        changed[#changed + 1] = state
    end
    answer[n] = state
end
if #changed > 0 then call('HSET', KEYS[1], unpack(changed)) end
return answer
