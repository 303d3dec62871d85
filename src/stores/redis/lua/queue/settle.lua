-- Forgets attempts whose reports have been handled.
-- ARGV  ids
for i = 1, #ARGV do
  local id = ARGV[i]
  local partition = string.match(redis.call('HGET', K.index, id) or '', '^d|(%d+)$')
  if partition then
    redis.call('ZREM', K.done, partition .. '\1' .. id)
    redis.call('HDEL', K.results, id)
    redis.call('HDEL', K.index, id)
    redis.call('HDEL', K.nodes, id)
  end
end
return redis.status_reply('OK')
