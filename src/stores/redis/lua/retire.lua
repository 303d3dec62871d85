-- Says that a node is gone.
-- KEYS  members, the times they are given up
-- ARGV  node, channel of lease changes
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('PUBLISH', ARGV[2], '')
return 1
