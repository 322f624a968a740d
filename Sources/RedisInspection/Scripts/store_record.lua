-- Stores the record of a task for its worker, unless the task has ended or, where it is to be one that has not begun, runs.
--
-- KEYS[1]  the record
-- ARGV[1]  seconds to keep it, or '' for ever
-- ARGV[2]  the record
-- ARGV[3]  'unbegun' for tasks that have not begun, 'unfinished' for those that run too
--
-- Returns 1 when it was stored.
local before = redis.call('GET', KEYS[1])
-- JSON, YAML and MessagePack; the status stands first. What cannot be read may have ended.
local state = before and (string.match(before, 'status"?:? ?"?[\160-\191]?(%u+)') or 'SUCCESS')
if state == 'SUCCESS' or state == 'FAILURE' or state == 'REVOKED' then return 0 end
-- What was asked to abort and lies in its queue still has not begun.
local unbegun = { PENDING = true, RECEIVED = true, RETRY = true, ABORTED = true }
if ARGV[3] == 'unbegun' and state and not unbegun[state] then return 0 end
if ARGV[1] == '' then redis.call('SET', KEYS[1], ARGV[2]) else redis.call('SETEX', KEYS[1], ARGV[1], ARGV[2]) end
redis.call('PUBLISH', KEYS[1], ARGV[2])
return 1
