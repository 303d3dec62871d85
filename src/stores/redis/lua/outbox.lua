-- Forgets what was relayed and reads what waits to be.
-- KEYS  meta, out, blobs, blobrefs
-- ARGV  number up to which everything has arrived (0: nothing new), most entries to read
-- Gives per entry: number, target (partition, or node name after '@'), id, receiver, at, data, hash.
-- Guarantee: entries go only once they have arrived; done again it changes nothing.
local relayed = tonumber(redis.call('HGET', KEYS[1], 'relayed') or '0')
local arrived = tonumber(ARGV[1])
if arrived > relayed then
  for _, entry in ipairs(redis.call('XRANGE', KEYS[2], '-', arrived .. '-0')) do
    local f = entry[2]
    if f[9] == 'h' and redis.call('HINCRBY', KEYS[4], f[10], -1) <= 0 then
      redis.call('HDEL', KEYS[4], f[10])
      redis.call('HDEL', KEYS[3], f[10])
    end
  end
  redis.call('XTRIM', KEYS[2], 'MINID', (arrived + 1) .. '-0')
  redis.call('HSET', KEYS[1], 'relayed', arrived)
end
local out = {}
for _, entry in ipairs(redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', ARGV[2])) do
  local f = entry[2]
  local n = #out
  out[n + 1] = string.match(entry[1], '^%d+')
  out[n + 2], out[n + 3], out[n + 4], out[n + 5] = f[2], f[4], f[6], f[8]
  local blob = f[9] == 'h'
  out[n + 6] = blob and redis.call('HGET', KEYS[3], f[10]) or f[10]
  out[n + 7] = blob and f[10] or ''
end
return out
