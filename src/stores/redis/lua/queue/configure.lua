-- Sets how the queue works.
-- ARGV  option and value in turn; a value of '' takes the option away, and so does saying nothing of a weight
-- Guarantee: what waits because of an old limit is looked at under the new one.
for _, log in ipairs({ 'completed', 'failed', 'dead_letter' }) do
  if redis.call('EXISTS', K[log]) == 0 then redis.call('XGROUP', 'CREATE', K[log], 'monitoring', '0', 'MKSTREAM') end
end
for _, option in ipairs(redis.call('HKEYS', K.settings)) do
  if string.sub(option, 1, 2) == 'w:' then redis.call('HDEL', K.settings, option) end
end
for i = 1, #ARGV, 2 do
  if ARGV[i + 1] == '' then redis.call('HDEL', K.settings, ARGV[i]) else redis.call('HSET', K.settings, ARGV[i], ARGV[i + 1]) end
end
for _, key in ipairs(redis.call('HKEYS', K.queued)) do
  for p = 1, 3 do
    if first(p, key) then enlist(p, key) end
  end
end
return redis.status_reply('OK')
