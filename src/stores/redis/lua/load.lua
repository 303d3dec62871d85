-- Actors as their checkpoints make them: record, base, and the rows after it.
-- KEYS  actors, bases, then the rows of each actor
-- ARGV  the ids of the actors
-- Gives per actor: {} | {record, base, row, row, ...}
-- Guarantee: each actor as one whole commit left it (S10).
local PAGE = 32
local out = {}
for i, id in ipairs(ARGV) do
  local record = redis.call('HGET', KEYS[1], id)
  local found = {}
  if record then
    local base = redis.call('HGET', KEYS[2], id)
    found[1], found[2] = record, base or ''
    local seq = tonumber(string.match(base or '', '^%d+') or '0')
    -- From the newest row back to the base, which is never far: a new base is written before there are many.
    local rows, stop = {}, -1
    while base do
      local page = redis.call('LRANGE', KEYS[2 + i], stop - PAGE + 1, stop)
      local reached = #page < PAGE
      for p = #page, 1, -1 do
        if tonumber(string.match(page[p], '^%d+ %d+ (%d+)')) <= seq then
          reached = true
          break
        end
        rows[#rows + 1] = page[p]
      end
      if reached then break end
      stop = stop - PAGE
    end
    for r = #rows, 1, -1 do found[#found + 1] = rows[r] end
  end
  out[i] = found
end
return out
