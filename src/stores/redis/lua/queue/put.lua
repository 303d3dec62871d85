-- Puts attempts of tasks into the queue.
-- ARGV  name of the queue, its channel, channel of the node that waits for the results,
--       then per attempt: id, partition, epoch of its lease, key, priority (1 to 3), data
-- Guarantee: an id that is known is the same attempt (Q1); a put under an older epoch changes nothing (Q2).
-- USES  queue-keys, queue
local queue, channel, owner = ARGV[1], ARGV[2], ARGV[3]
redis.call('HSET', K.meta, 'queue', queue)
local fresh, ids = 0, {}
for i = 4, #ARGV, 6 do ids[#ids + 1] = ARGV[i] end
prefetch(ids)
for i = 4, #ARGV, 6 do
  local id, partition, epoch = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2])
  local highest = count('epochs', partition)
  if epoch >= highest then
    if epoch > highest then count('epochs', partition, epoch - highest) end
    local state = state_of(id)
    if state == '' then
      fresh = fresh + 1
      wait(id, ARGV[i + 3], ARGV[i + 4], ARGV[i + 5], partition, owner)
    elseif string.sub(state, 1, 1) == 'd' then
      owners[owner] = owners[owner] or {}
      table.insert(owners[owner], partition)
    else
      -- Whoever puts it again waits for it now.
      local head, tail = string.match(state, '^(w|%d|%d+|%d+|)[^|]*(|.*)$')
      if not head then head, tail = string.match(state, '^(a|[^|]+|%d+|[^|]+|%d+|)[^|]*(|.*)$') end
      set_state(id, head .. owner .. tail)
    end
  end
end
flush()
if fresh > 0 then redis.call('PUBLISH', channel, 'waiting') end
return fresh
