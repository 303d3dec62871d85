-- The queue as it is now.
-- ARGV  most keys, milliseconds after which a silent worker is forgotten
-- Gives the lengths of the three pending streams, of active, completed, failed and dead_letter; then keys with how many wait;
-- keys with how many run; workers with how many they have and for how long they have been silent, each a list.
-- USES  queue-keys, queue
local at = now()
local lengths = {}
for _, name in ipairs({ 'pending1', 'pending2', 'pending3', 'active', 'completed', 'failed', 'dead_letter' }) do
  lengths[#lengths + 1] = redis.call('XLEN', K[name])
end
local exists = redis.call('EXISTS', K.active) == 1
for _, worker in ipairs(redis.call('ZRANGEBYSCORE', K.workers, '-inf', string.format('(%.0f', at - ARGV[2]))) do
  redis.call('ZREM', K.workers, worker)
  if exists and #redis.call('XPENDING', K.active, 'workers', '-', '+', 1, worker) == 0 then redis.call('XGROUP', 'DELCONSUMER', K.active, 'workers', worker) end
end
local busy = {}
if exists then
  for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', K.active, 'workers')) do busy[consumer[2]] = consumer[4] end
end
local workers = {}
local seen = redis.call('ZRANGE', K.workers, 0, -1, 'WITHSCORES')
for i = 1, #seen, 2 do
  local n = #workers
  workers[n + 1], workers[n + 2], workers[n + 3] = seen[i], busy[seen[i]] or 0, at - seen[i + 1]
end
return { lengths, redis.call('HSCAN', K.queued, '0', 'COUNT', ARGV[1])[2], redis.call('HSCAN', K.running, '0', 'COUNT', ARGV[1])[2], workers }
