-- Prolongs the lease of a partition.
-- KEYS  meta
-- ARGV  token, epoch, ttl in milliseconds
-- USES  replication
-- Gives 1, or 0 when the lease is lost: to another node, or by a failover.
-- Guarantee: also when memory is used up. Redis then refuses a script whose first write may take more; hence one that takes none.
local meta = redis.call('HMGET', KEYS[1], 'token', 'epoch', 'replid')
if meta[1] ~= ARGV[1] or meta[2] ~= ARGV[2] or meta[3] ~= replicationId() then return 0 end
local time = redis.call('TIME')
redis.call('HDEL', KEYS[1], '')
redis.call('HSET', KEYS[1], 'expires', string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[3]))
return 1
