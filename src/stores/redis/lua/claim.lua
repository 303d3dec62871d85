-- Gives a partition to a node if nobody holds it.
-- KEYS  meta
-- ARGV  node, token, ttl in milliseconds
-- Gives {1, epoch, seq, inbox floor, 1 if messages wait to be relayed} | {0, owner, expires at}
-- Guarantee: by the clock of Redis alone; each claim has a higher epoch (S7).
local meta = redis.call('HMGET', KEYS[1], 'node', 'token', 'epoch', 'expires', 'seq', 'floor', 'out', 'relayed')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local free = not meta[1] or meta[1] == '' or tonumber(meta[4]) <= now
if not free and not (meta[1] == ARGV[1] and meta[2] == ARGV[2]) then return {0, meta[1], meta[4]} end
local epoch = (tonumber(meta[3]) or 0) + 1
redis.call('HSET', KEYS[1], 'node', ARGV[1], 'token', ARGV[2], 'epoch', epoch, 'expires', string.format('%.0f', now + ARGV[3]))
return {1, epoch, meta[5] or '0', meta[6] or '0', (meta[7] or '0') ~= (meta[8] or '0') and 1 or 0}
