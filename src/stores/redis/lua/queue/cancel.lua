-- Takes attempts back, wherever they are.
-- ARGV  channel of the queue, then ids
-- Guarantee: afterwards no delivery of them can be finished.
for i = 2, #ARGV do
  local id = ARGV[i]
  local state = redis.call('HGET', K.index, id) or ''
  local p, seq, waiting = string.match(state, '^w|(%d)|(%d+)|(.*)$')
  local entry, active = string.match(state, '^a|([%d-]+)|(.*)$')
  local partition = string.match(state, '^d|(%d+)$')
  if p then
    redis.call('XDEL', K['pending' .. p], seq .. '-0')
    redis.call('ZREM', K.lines, p .. waiting .. '\1' .. seq .. '\1' .. id)
    count(K.queued, waiting, -1)
  elseif entry then
    release(entry, active)
    redis.call('PUBLISH', ARGV[1], 'cancelled ' .. id)
  elseif partition then
    redis.call('ZREM', K.done, partition .. '\1' .. id)
    redis.call('HDEL', K.results, id)
  end
  redis.call('HDEL', K.index, id)
  redis.call('HDEL', K.nodes, id)
  redis.call('HDEL', K.details, id)
end
return redis.status_reply('OK')
