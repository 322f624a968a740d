-- Looks for a task in a part of a list, counted from the end at which producers push. Reads only.
--
-- KEYS[1]  the list
-- ARGV[1]  the task's id
-- ARGV[2]  how many to leave out
-- ARGV[3]  how many to look at
--
-- Returns { length of the list, the message, how many are in front of it }, or the length alone.
local length = redis.pcall('LLEN', KEYS[1])
if type(length) ~= 'number' then return { 0 } end
local id, start = ARGV[1], tonumber(ARGV[2])

local items = redis.call('LRANGE', KEYS[1], start, start + tonumber(ARGV[3]) - 1)
for i = 1, #items do
    local item = items[i]
    if may_be(item, id) and task_id(item) == id then
        return { length, item, length - start - i }
    end
end
return { length }
