-- Puts messages of another partition's outbox into this one's inbox.
-- KEYS  1-6 as in inbox, 7 relayed
-- ARGV  source partition, prefix of node channels, partition,
--       then per message: number in the source's outbox, id, receiver, at, data, hash ('' unless the data goes into a blob)
-- USES  inbox
-- Gives how many were new.
-- Guarantee: exactly once and in order: each source has a high-water mark here (S5).
local mark = tonumber(call('HGET', KEYS[7], ARGV[1]) or '0')
local meta = call('HMGET', KEYS[1], 'head', 'node')
local head = tonumber(meta[1] or '0')
local fresh = 0
for i = 4, #ARGV, 6 do
  local number, to = tonumber(ARGV[i]), ARGV[i + 2]
  if number > mark then
    mark, head, fresh = number, head + 1, fresh + 1
    addMessage(head, ARGV[i + 1], to, ARGV[i + 3], ARGV[i + 4], ARGV[i + 5])
    deepen(to, 1)
  end
end
if fresh == 0 then return 0 end
call('HSET', KEYS[7], ARGV[1], mark)
call('HSET', KEYS[1], 'head', head)
if meta[2] and meta[2] ~= '' then call('PUBLISH', ARGV[2] .. meta[2], 'inbox ' .. ARGV[3]) end
return fresh
