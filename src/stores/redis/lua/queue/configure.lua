-- Sets how the queue works.
-- ARGV  option and value in turn; what is not named is left open
-- Guarantee: what waits because of an old limit is looked at under the new one.
-- USES  queue-keys, queue
redis.call('DEL', K.settings)
for i = 1, #ARGV, 2 do
  redis.call('HSET', K.settings, ARGV[i], ARGV[i + 1])
end
PER_KEY = tonumber(redis.call('HGET', K.settings, 'perKey')) or math.huge
for _, key in ipairs(redis.call('HKEYS', K.queued)) do
  for p = 1, 3 do
    if #first(p, key, 1) > 0 then enlist(p, key) end
  end
end
return redis.status_reply('OK')
