-- Actors of one partition by what is asked of them, in the order of their creation or against it.
-- KEYS, ARGV 1-11 as in selection, 12 most to give
-- USES  selection
-- Gives {score reached, 1 if there may be more, score, id, record, ...}
local limit, out = tonumber(ARGV[12]), {'', 0}
out[1], out[2] = look(function(id, score, record)
  local n = #out
  if (n - 2) / 3 == limit then return false end
  out[n + 1], out[n + 2], out[n + 3] = score, id, record
end)
return out
