-- Stands before the scripts that store results.

-- A stored SUCCESS is final (celery/backends/base.py); the three forms are JSON, YAML and MessagePack.
local function succeeded(stored)
    if type(stored) ~= 'string' then return false end
    local head = string.sub(stored, 1, 20)
    return head == '{"status": "SUCCESS"' or string.find(stored, '\166status\167SUCCESS', 1, true) ~= nil
        or (string.sub(stored, 1, 1) ~= '{' and string.find(stored, 'status: SUCCESS\n', 1, true) ~= nil)
end

