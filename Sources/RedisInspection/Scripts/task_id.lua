-- Reads the id of a message's task, however its JSON writes it. Stands in front of the scripts that ask for it.

-- The string that follows the name of a member which ends in front of `at`.
local function string_at(text, at)
    -- A plain search for a quote passes a body in base64 at the speed of memory; patterns would not.
    local plain = string.match(text, '^%s*:%s*"([^"\\]*)"', at)
    if plain then return plain end
    -- Python escapes every letter beyond ASCII.
    local first = string.match(text, '^%s*:%s*()"', at)
    local stop = first
    while stop do
        stop = string.find(text, '["\\]', stop + 1)
        if stop and string.sub(text, stop, stop) == '"' then
            local ok, decoded = pcall(cjson.decode, '[' .. string.sub(text, first, stop) .. ']')
            return ok and decoded[1] or nil
        end
        -- What is escaped ends nothing.
        if stop then stop = stop + 1 end
    end
end

-- The id of a message's task; nil where it has none.
local function task_id(text)
    local at = string.find(text, '"correlation_id"', 1, true)
    local id = at and string_at(text, at + 16)
    if id then return id end
    at = string.find(text, '"id"', 1, true)
    return at and string_at(text, at + 4)
end

-- Whether a message may be a task's: false only where its id stands nowhere in it. Much cheaper than to read the id.
local function may_be(text, id)
    return string.find(id, '[^%w_.:-]') ~= nil or string.find(text, id, 1, true) ~= nil
end

