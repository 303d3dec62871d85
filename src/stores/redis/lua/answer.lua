-- Puts replies of a partition's outbox where their node takes them.
-- KEYS  replies, relayed
-- ARGV  source partition, the node's channel, seconds that replies are kept,
--       then per reply: number in the source's outbox, request, data
-- Guarantee: exactly once and in order per source.
local mark = tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or '0')
local fresh = 0
for i = 4, #ARGV, 3 do
  local number = tonumber(ARGV[i])
  if number > mark then
    mark, fresh = number, fresh + 1
    redis.call('XADD', KEYS[1], '*', 'r', ARGV[i + 1], 'd', ARGV[i + 2])
  end
end
if fresh == 0 then return 0 end
redis.call('HSET', KEYS[2], ARGV[1], mark)
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[3])
redis.call('PUBLISH', ARGV[2], 'replies')
return fresh
