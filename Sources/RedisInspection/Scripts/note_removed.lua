-- Stores the record of a task that was taken away before it began, unless it has ended or runs.
--
-- KEYS[1]  the record
-- ARGV[1]  seconds to keep it, or '' for ever
-- ARGV[2]  the record
--
-- Returns 1 when it was stored.
local before = redis.call('GET', KEYS[1])
-- JSON, YAML and MessagePack; the status stands first. What cannot be read has begun.
local state = before and (string.match(before, 'status"?:? ?"?[\160-\191]?(%u+)') or 'STARTED')
if state and state ~= 'PENDING' and state ~= 'RECEIVED' and state ~= 'RETRY' then return 0 end
if ARGV[1] == '' then redis.call('SET', KEYS[1], ARGV[2]) else redis.call('SETEX', KEYS[1], ARGV[1], ARGV[2]) end
redis.call('PUBLISH', KEYS[1], ARGV[2])
return 1
