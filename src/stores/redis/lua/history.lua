-- Rows of one actor that hold sequences above one, oldest first.
-- KEYS  rows
-- ARGV  sequence, most rows
local low, high = 0, redis.call('LLEN', KEYS[1])
while low < high do
  local middle = math.floor((low + high) / 2)
  if tonumber(string.match(redis.call('LINDEX', KEYS[1], middle), '^%d+ %d+ (%d+)')) <= tonumber(ARGV[1]) then low = middle + 1 else high = middle end
end
return redis.call('LRANGE', KEYS[1], low, low + ARGV[2] - 1)
