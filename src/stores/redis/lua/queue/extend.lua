-- Says that a worker is alive and goes on with what it has.
-- ARGV  worker, then per attempt: entry, delivery, id, details ('' for none)
-- Gives the ids that are not its own any more.
-- Guarantee: only the latest delivery can extend an attempt (Q4).
-- USES  queue-keys, queue
redis.call('ZADD', K.workers, now(), ARGV[1])
local lost = {}
for i = 2, #ARGV, 4 do
  local id, details = ARGV[i + 2], ARGV[i + 3]
  local entry, delivery, worker = active(id)
  if entry == ARGV[i] and delivery == ARGV[i + 1] and worker == ARGV[1] then
    redis.call('XCLAIM', K.active, 'workers', worker, 0, entry, 'JUSTID')
    if details ~= '' then redis.call('HSET', K.details, id, details) end
  else
    lost[#lost + 1] = id
  end
end
return lost
