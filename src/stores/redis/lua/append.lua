-- Accepts messages from outside a batch.
-- KEYS  1-6 as in inbox, 7 senders
-- ARGV  sender, its call number, number up to which it has heard all answers, most messages that may wait for one actor,
--       prefix of node channels, partition, then per message: id, receiver, at, data,
--       hash ('' unless the data goes into a blob)
-- USES  inbox
-- Gives {'ok'} | {'full', receiver, depth, incoming} | {'gap', last call number}
-- Guarantee: all or none; a call repeated after a lost answer counts once and is answered the same, and calls of one sender are
-- taken in order. A sender is remembered as 'last call number, time', then a line per refusal whose answer it may not have heard.
local at = 7
local sender, number, heard = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local known = call('HGET', KEYS[7], sender) or '0'
local last = tonumber(match(known, '^%d+'))
if number <= last then
  local depth, incoming, to = match(known, '\n' .. number .. ' (%d+) (%d+) ([^\n]*)')
  if to then return {'full', to, depth, incoming} end
  return {'ok'}
end
if number ~= last + 1 then return {'gap', last} end

local incoming, order, refused = {}, {}, ''
for i = at, #ARGV, 5 do
  local to = ARGV[i + 1]
  if not incoming[to] then order[#order + 1] = to end
  incoming[to] = (incoming[to] or 0) + 1
end
for line, refusedNumber in string.gmatch(known, '(\n(%d+)[^\n]*)') do
  if tonumber(refusedNumber) > heard then refused = refused .. line end
end
local function remember(refusal) call('HSET', KEYS[7], sender, number .. ' ' .. call('TIME')[1] .. refused .. refusal) end
for _, to in ipairs(order) do
  local depth = tonumber(call('HGET', KEYS[4], to) or '0')
  if depth + incoming[to] > tonumber(ARGV[4]) then
    remember('\n' .. number .. ' ' .. depth .. ' ' .. incoming[to] .. ' ' .. to)
    return {'full', to, depth, incoming[to]}
  end
end

remember('')
local meta = call('HMGET', KEYS[1], 'head', 'node')
local head = tonumber(meta[1] or '0')
for i = at, #ARGV, 5 do
  head = head + 1
  addMessage(head, ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4])
end
for _, to in ipairs(order) do deepen(to, incoming[to]) end
call('HSET', KEYS[1], 'head', head)
if meta[2] and meta[2] ~= '' then call('PUBLISH', ARGV[5] .. meta[2], 'inbox ' .. ARGV[6]) end
return {'ok'}
