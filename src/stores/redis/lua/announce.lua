-- Says that a node lives, and gives all that do.
-- KEYS  members, the times they are given up
-- ARGV  node, what it tells of itself, time to live in milliseconds, channel of lease changes
-- Gives the nodes that live and what each tells, in turn.
-- Guarantee: by the clock of Redis alone; also when memory is used up, see renew.lua.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local changed = not redis.call('ZSCORE', KEYS[2], ARGV[1])
for _, node in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now))) do
  if node ~= ARGV[1] then
    redis.call('HDEL', KEYS[1], node)
    redis.call('ZREM', KEYS[2], node)
    changed = true
  end
end
redis.call('HDEL', KEYS[1], '')
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], string.format('%.0f', now + ARGV[3]), ARGV[1])
if changed then redis.call('PUBLISH', ARGV[4], '') end
return redis.call('HGETALL', KEYS[1])
