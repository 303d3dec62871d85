-- Takes attempts back, wherever they are.
-- ARGV  channel of the queue, then ids
-- Guarantee: afterwards no delivery of them can be finished.
-- USES  queue-keys, queue
for i = 2, #ARGV do
  local id = ARGV[i]
  local state = state_of(id)
  local p, seq, key = string.match(state, '^w|(%d)|(%d+)|%d+|[^|]*|(.*)$')
  local partition = string.match(state, '^d|(%d+)|')
  local entry, _, _, _, _, active_key = active(id)
  if p then
    gather('XDEL', K['pending' .. p], seq .. '-0')
    gather('ZREM', K.lines, p .. key .. '\1' .. seq .. '\1' .. id)
    count('queued', key, -1)
  elseif entry then
    release(entry, active_key)
    redis.call('PUBLISH', ARGV[1], 'cancelled ' .. id)
  elseif partition then
    gather('ZREM', K.done, partition .. '\1' .. id)
  end
  states[id] = ''
  gather('HDEL', K.index, id)
  if has_details then gather('HDEL', K.details, id) end
end
flush()
return redis.status_reply('OK')
