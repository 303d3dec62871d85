-- Takes a worker off the list. What it still has stays on its name until it is given to another one.
-- ARGV  worker
-- USES  queue-keys, queue
redis.call('ZREM', K.workers, ARGV[1])
if redis.call('EXISTS', K.active) == 0 then return 0 end
if #redis.call('XPENDING', K.active, 'workers', '-', '+', 1, ARGV[1]) > 0 then return 0 end
return redis.call('XGROUP', 'DELCONSUMER', K.active, 'workers', ARGV[1])
