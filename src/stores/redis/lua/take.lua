-- Messages of the inbox above a position, oldest first.
-- KEYS  inbox, blobs
-- ARGV  position, most messages
-- Gives per message: position, id, receiver, at, data.
local out = {}
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '(' .. ARGV[1] .. '-0', '+', 'COUNT', ARGV[2])) do
  local f = entry[2]
  local n = #out
  out[n + 1] = string.match(entry[1], '^%d+')
  out[n + 2], out[n + 3], out[n + 4] = f[2], f[4], f[6]
  out[n + 5] = f[7] == 'h' and redis.call('HGET', KEYS[2], f[8]) or f[8]
end
return out
