-- Takes everything away that waits in a queue.
--
-- KEYS  the queue's lists
--
-- Returns how many messages that were.
local count = 0
for place = 1, #KEYS do
    local length = redis.pcall('LLEN', KEYS[place])
    -- What is no list is not ours.
    if type(length) == 'number' and length > 0 then
        count = count + length
        redis.call('UNLINK', KEYS[place])
    end
end
return count
