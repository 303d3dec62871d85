-- Gives the lease of a partition back.
-- KEYS  meta
-- ARGV  token, epoch, channel of lease changes
-- Guarantee: the release of a lease that is lost takes nothing from its new owner. Also when memory is used up, see renew.lua.
local meta = redis.call('HMGET', KEYS[1], 'token', 'epoch')
if meta[1] ~= ARGV[1] or meta[2] ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[1], '')
redis.call('HSET', KEYS[1], 'node', '', 'token', '', 'expires', '0')
redis.call('PUBLISH', ARGV[3], '')
return 1
