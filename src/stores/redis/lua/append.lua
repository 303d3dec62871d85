-- Accepts messages from outside a batch.
-- KEYS  meta, inbox, receivers, depth, blobs, blobrefs, senders
-- ARGV  sender, its call number, most messages that may wait for one actor, prefix of node channels, partition, time,
--       then per message: id, receiver, at, data, hash ('' unless the data goes into a blob)
-- Gives {'ok'} | {'full', receiver, depth, incoming} | {'gap', last call number}
-- Guarantee: all or none; a call repeated after a lost answer counts once, and calls of one sender are taken in order.
local at = 7
local sender, call = ARGV[1], tonumber(ARGV[2])
local last = tonumber(string.match(redis.call('HGET', KEYS[7], sender) or '0', '^%d+'))
if call <= last then return {'ok'} end
if call ~= last + 1 then return {'gap', last} end

local incoming, order = {}, {}
for i = at, #ARGV, 5 do
  local to = ARGV[i + 1]
  if not incoming[to] then order[#order + 1] = to end
  incoming[to] = (incoming[to] or 0) + 1
end
for _, to in ipairs(order) do
  local depth = tonumber(redis.call('HGET', KEYS[4], to) or '0')
  if depth + incoming[to] > tonumber(ARGV[3]) then
    redis.call('HSET', KEYS[7], sender, call .. ' ' .. ARGV[6])
    return {'full', to, depth, incoming[to]}
  end
end

local meta = redis.call('HMGET', KEYS[1], 'head', 'node')
local head = tonumber(meta[1] or '0')
redis.call('HSET', KEYS[7], sender, call .. ' ' .. ARGV[6])
for i = at, #ARGV, 5 do
  local id, to, sent, data, hash = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
  head = head + 1
  if hash == '' then
    redis.call('XADD', KEYS[2], head .. '-0', 'i', id, 't', to, 'a', sent, 'd', data)
    redis.call('RPUSH', KEYS[3], to)
  else
    if redis.call('HINCRBY', KEYS[6], hash, 1) == 1 then redis.call('HSET', KEYS[5], hash, data) end
    redis.call('XADD', KEYS[2], head .. '-0', 'i', id, 't', to, 'a', sent, 'h', hash)
    redis.call('RPUSH', KEYS[3], to .. '\n' .. hash)
  end
end
for _, to in ipairs(order) do redis.call('HINCRBY', KEYS[4], to, incoming[to]) end
redis.call('HSET', KEYS[1], 'head', head)
if meta[2] and meta[2] ~= '' then redis.call('PUBLISH', ARGV[4] .. meta[2], 'inbox ' .. ARGV[5]) end
return {'ok'}
