-- Parked messages of one actor, oldest first.
-- KEYS  parked messages by position, positions of the actor
-- ARGV  most messages
-- Gives per message: position, text.
local positions = redis.call('ZRANGE', KEYS[2], 0, ARGV[1] - 1)
local out = {}
for _, position in ipairs(positions) do
  out[#out + 1] = position
  out[#out + 1] = redis.call('HGET', KEYS[1], position)
end
return out
