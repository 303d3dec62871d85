-- Accepts messages from outside a batch.
-- KEYS  1-6 as in inbox, 7 senders
-- ARGV  sender, its call number, most messages that may wait for one actor, prefix of node channels, partition, time,
--       then per message: id, receiver, at, data, hash ('' unless the data goes into a blob)
-- USES  inbox
-- Gives {'ok'} | {'full', receiver, depth, incoming} | {'gap', last call number}
-- Guarantee: all or none; a call repeated after a lost answer counts once, and calls of one sender are taken in order.
local at = 7
local sender, number = ARGV[1], tonumber(ARGV[2])
local last = tonumber(match(call('HGET', KEYS[7], sender) or '0', '^%d+'))
if number <= last then return {'ok'} end
if number ~= last + 1 then return {'gap', last} end

local incoming, order = {}, {}
for i = at, #ARGV, 5 do
  local to = ARGV[i + 1]
  if not incoming[to] then order[#order + 1] = to end
  incoming[to] = (incoming[to] or 0) + 1
end
call('HSET', KEYS[7], sender, number .. ' ' .. ARGV[6])
for _, to in ipairs(order) do
  local depth = tonumber(call('HGET', KEYS[4], to) or '0')
  if depth + incoming[to] > tonumber(ARGV[3]) then return {'full', to, depth, incoming[to]} end
end

local meta = call('HMGET', KEYS[1], 'head', 'node')
local head = tonumber(meta[1] or '0')
for i = at, #ARGV, 5 do
  head = head + 1
  addMessage(head, ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4])
end
for _, to in ipairs(order) do deepen(to, incoming[to]) end
call('HSET', KEYS[1], 'head', head)
if meta[2] and meta[2] ~= '' then call('PUBLISH', ARGV[4] .. meta[2], 'inbox ' .. ARGV[5]) end
return {'ok'}
