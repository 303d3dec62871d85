-- Keeps in the queue itself how workers speak with it, so that one in another language needs no copy of these scripts.
-- ARGV  keys, their names as JSON, then name and text of each script
-- Guarantee: a newer version is never taken back.
-- USES  queue-keys, queue
for _, log in ipairs({ 'completed', 'failed', 'dead_letter' }) do
  if redis.call('EXISTS', K[log]) == 0 then redis.call('XGROUP', 'CREATE', K[log], 'monitoring', '0', 'MKSTREAM') end
end
redis.call('HSET', K.protocol, 'version', VERSION, unpack(ARGV))
return redis.status_reply('OK')
