-- Puts attempts of tasks into the queue.
-- ARGV  name of the queue, its channel, channel of the node that waits for the results,
--       then per attempt: id, partition, epoch of its lease, key, priority (1 to 3), data
-- Guarantee: an id that is known is the same attempt (Q1); a put under an older epoch changes nothing (Q2).
redis.call('HSET', K.meta, 'queue', ARGV[1])
local fresh, told = 0, false
for i = 4, #ARGV, 6 do
  local id, partition, epoch, key, p = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]), ARGV[i + 3], ARGV[i + 4]
  local highest = number(K.epochs, partition, 0)
  if epoch >= highest then
    if epoch > highest then redis.call('HSET', K.epochs, partition, epoch) end
    redis.call('HSET', K.nodes, id, partition .. '|' .. ARGV[3])
    local state = redis.call('HGET', K.index, id)
    if not state then
      fresh = fresh + 1
      wait(id, key, p, ARGV[i + 5])
    elseif not told and string.sub(state, 1, 1) == 'd' then
      told = true
      redis.call('PUBLISH', ARGV[3], 'results ' .. ARGV[1])
    end
  end
end
if fresh > 0 then redis.call('PUBLISH', ARGV[2], 'waiting') end
return fresh
