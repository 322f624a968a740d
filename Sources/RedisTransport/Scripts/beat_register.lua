-- Makes entries known as a beat has loaded them; what was loaded differently before is replaced.
--
-- KEYS[1] entries            hash: entry -> state; '' -> epoch
-- ARGV[1] the epoch, for a hash that is new
-- ARGV[2] microseconds that a mark may lie ahead of now and still be believed
-- then    per entry: name, content fingerprint, timing fingerprint, state for one that is not known or ''
--
-- A state is twelve words: content, timing, anchor, mark, slot, sent at, sent, missed, skipped, lag, task id, sender;
-- times in microseconds, '-' for none. `Schedules/State/EntryState.swift` is the same in Swift.
--
-- Returns the state of each.
local call = redis.call
local time = call('TIME')
local now = time[1] .. string.format('%06d', time[2])
call('HSETNX', KEYS[1], '', ARGV[1])
local answer = {}
for at = 3, #ARGV, 4 do
    local content, timing = ARGV[at + 1], ARGV[at + 2]
    local known = call('HGET', KEYS[1], ARGV[at])
    local state = known or ARGV[at + 3]
    if state == '' then state = table.concat({ content, timing, now, now, '- - 0 0 0 0 - -' }, ' ') end
    local oldContent, oldTiming, anchor, mark, slot, rest =
        string.match(state, '^(%S+) (%S+) (%S+) (%S+) (%S+) (.*)$')
    if not oldContent then return redis.error_reply('CELERIAC unreadable state of a schedule entry') end
    if oldTiming ~= timing then
        -- New times begin now, and intervals run on from the last run.
        if slot ~= '-' then anchor = slot end
        if tonumber(mark) < tonumber(now) then mark = now end
    end
    -- No beat sends ahead of its time: such a mark was set while the clock was wrong.
    if tonumber(mark) > tonumber(now) + tonumber(ARGV[2]) then mark = now end
    state = table.concat({ content, timing, anchor, mark, slot, rest }, ' ')
    if state ~= known then call('HSET', KEYS[1], ARGV[at], state) end
    answer[#answer + 1] = state
end
return answer
