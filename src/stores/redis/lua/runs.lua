-- Actors of completed runs, in the order of their birth and each root last.
-- KEYS  actors, then each run's set
-- ARGV  most actors to give, then each run's root
-- Gives per run {record of its root, id, record, ...}; the root is not among them where there are more actors than asked for.
local left = tonumber(ARGV[1])
local out = {}
for i = 2, #ARGV do
  local run, members = {redis.call('HGET', KEYS[1], ARGV[i]) or ''}, redis.call('ZRANGE', KEYS[i], 0, left)
  if #members <= left then members[#members + 1] = ARGV[i] end
  for n = 1, math.min(#members, left) do
    run[#run + 1] = members[n]
    run[#run + 1] = redis.call('HGET', KEYS[1], members[n]) or ''
  end
  left = left - math.min(#members, left)
  out[#out + 1] = run
  if left <= 0 then break end
end
return out
