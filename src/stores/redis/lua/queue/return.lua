-- Puts an attempt that a worker cannot go on with back into the queue, at the end of its key's line.
-- ARGV  worker, entry, delivery, id, channel of the queue
-- Gives 1, or 0 when the attempt is not this delivery's any more.
-- Guarantee: the delivery does not count.
-- USES  queue-keys, queue
local id = ARGV[4]
local entry, delivery, worker, partition, channel, key = active(id)
if entry ~= ARGV[2] or delivery ~= ARGV[3] or worker ~= ARGV[1] then return 0 end
local f = redis.call('XRANGE', K.active, entry, entry)[1][2]
release(entry, key)
wait(id, key, f[8], f[6], partition, channel)
flush()
redis.call('PUBLISH', ARGV[5], 'waiting')
return 1
