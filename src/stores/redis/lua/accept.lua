-- Puts messages of another partition's outbox into this one's inbox.
-- KEYS  meta, inbox, receivers, depth, blobs, blobrefs, relayed
-- ARGV  source partition, prefix of node channels, partition,
--       then per message: number in the source's outbox, id, receiver, at, data, hash ('' unless the data goes into a blob)
-- Gives how many were new.
-- Guarantee: exactly once and in order: each source has a high-water mark here (S5).
local mark = tonumber(redis.call('HGET', KEYS[7], ARGV[1]) or '0')
local meta = redis.call('HMGET', KEYS[1], 'head', 'node')
local head = tonumber(meta[1] or '0')
local fresh = 0
for i = 4, #ARGV, 6 do
  local number, id, to, sent, data, hash = tonumber(ARGV[i]), ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], ARGV[i + 5]
  if number > mark then
    mark, head, fresh = number, head + 1, fresh + 1
    if hash == '' then
      redis.call('XADD', KEYS[2], head .. '-0', 'i', id, 't', to, 'a', sent, 'd', data)
      redis.call('RPUSH', KEYS[3], to)
    else
      if redis.call('HINCRBY', KEYS[6], hash, 1) == 1 then redis.call('HSET', KEYS[5], hash, data) end
      redis.call('XADD', KEYS[2], head .. '-0', 'i', id, 't', to, 'a', sent, 'h', hash)
      redis.call('RPUSH', KEYS[3], to .. '\n' .. hash)
    end
    redis.call('HINCRBY', KEYS[4], to, 1)
  end
end
if fresh == 0 then return 0 end
redis.call('HSET', KEYS[7], ARGV[1], mark)
redis.call('HSET', KEYS[1], 'head', head)
if meta[2] and meta[2] ~= '' then redis.call('PUBLISH', ARGV[2] .. meta[2], 'inbox ' .. ARGV[3]) end
return fresh
