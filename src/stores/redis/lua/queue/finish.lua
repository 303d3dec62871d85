-- Ends attempts.
-- ARGV  worker, then per attempt: entry, delivery, id, log (completed or failed), report
-- Gives per attempt 1, or 0 when it is not this delivery's any more.
-- Guarantee: only the latest delivery can finish an attempt; its report is kept until it is settled (Q4).
-- USES  queue-keys, queue
local out, ids = {}, {}
for i = 2, #ARGV, 5 do ids[#ids + 1] = ARGV[i + 2] end
prefetch(ids)
for i = 2, #ARGV, 5 do
  local id = ARGV[i + 2]
  local entry, delivery, worker, partition, channel, key = active(id)
  local is_own = entry == ARGV[i] and delivery == ARGV[i + 1] and worker == ARGV[1]
  if is_own then
    release(entry, key)
    conclude(id, partition, channel, ARGV[i + 3], ARGV[i + 4], worker, delivery)
  end
  out[#out + 1] = is_own and 1 or 0
end
flush()
return out
