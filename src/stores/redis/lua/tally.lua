-- How many of the actors looked at there are of each machine, status and active states.
-- KEYS, ARGV as in selection
-- USES  selection
-- Gives {score reached, 1 if there may be more, kind, count, ...}; a kind is 'machine status states', the states as JSON
local counts, out = {}, {'', 0}
out[1], out[2] = look(function(id, _, record)
  local fields = fieldsOf(record)
  local states = fields and #fields[5] > 0 and cjson.encode(fields[5]) or '[]'
  local kind = string.match(id, '^[^/]*/([^/]*)/') .. ' ' .. string.match(record, '^%d+|(%a+)') .. ' ' .. states
  counts[kind] = (counts[kind] or 0) + 1
end)
for kind, count in pairs(counts) do
  out[#out + 1] = kind
  out[#out + 1] = count
end
return out
