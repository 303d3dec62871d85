-- Puts an attempt that a worker cannot go on with back into the queue, at the end of its key's line.
-- ARGV  entry, delivery, worker, channel of the queue
-- Gives 1, or 0 when the attempt is not this delivery's any more.
-- Guarantee: the delivery does not count.
local f = own(ARGV[1], ARGV[2], ARGV[3])
if not f then return 0 end
release(ARGV[1], f[4])
wait(f[2], f[4], f[8], f[6])
redis.call('PUBLISH', ARGV[4], 'waiting')
return 1
