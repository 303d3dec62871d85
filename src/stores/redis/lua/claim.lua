-- Gives a partition to a node if nobody holds it.
-- KEYS  meta, out
-- ARGV  node, token, ttl in milliseconds
-- USES  replication
-- Gives {1, epoch, seq, inbox floor, messages that wait to be relayed} | {0, owner, expires at}
-- Guarantee: by the clock of Redis alone; each claim has a higher epoch (S7). A lease from before a failover is void: no commit under
-- it is taken any more. Numbers that may have been given out in writes that were lost (epochs, messages, journal rows) are not given
-- out again: whoever has seen them would take the new for the old. A partition without any claim may have lost all it had: its
-- messages and rows are numbered from the time on, which is ahead of all numbers from before if they were fewer than so many a
-- second. Also when memory is used up, see renew.lua.
local LOST_MAX, NUMBERS_PER_SECOND = 100000000, 10000
local meta = redis.call('HMGET', KEYS[1], 'node', 'token', 'epoch', 'expires', 'seq', 'floor', 'replid')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local id = replicationId()
local free = not meta[1] or meta[1] == '' or tonumber(meta[4]) <= now or meta[7] ~= id
if not free and not (meta[1] == ARGV[1] and meta[2] == ARGV[2]) then return {0, meta[1], meta[4]} end
local lost = meta[7] and meta[7] ~= id and LOST_MAX or 0
local epoch = (tonumber(meta[3]) or 0) + lost + 1
redis.call('HDEL', KEYS[1], '')
redis.call('HSET', KEYS[1], 'node', ARGV[1], 'token', ARGV[2], 'epoch', epoch, 'expires', string.format('%.0f', now + ARGV[3]), 'replid', id)
local skipped = meta[7] and lost or time[1] * NUMBERS_PER_SECOND
if skipped > 0 then
  for _, counter in ipairs({'out', 'journal'}) do redis.call('HINCRBY', KEYS[1], counter, skipped) end
end
return {1, epoch, meta[5] or '0', meta[6] or '0', redis.call('XLEN', KEYS[2])}
