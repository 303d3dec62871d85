-- What has outlived its retention.
-- KEYS  meta, expiry, actors, mark ends, resolved letters, aged, journal
-- ARGV  token, epoch, now, time before which resolved letters go, time before which rows go ('' for none), most of each kind
-- Gives {'stale', epoch} | {'ok', {id, record, ...}, {mark, ...}, {letter, ...}, {actor with old rows, ...}, newest journal entry that may go}
local meta = redis.call('HMGET', KEYS[1], 'token', 'epoch')
if meta[1] ~= ARGV[1] or meta[2] ~= ARGV[2] then return {'stale', meta[2] or '0'} end
local actors = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[3], 'LIMIT', 0, ARGV[6])) do
  actors[#actors + 1] = id
  actors[#actors + 1] = redis.call('HGET', KEYS[3], id)
end
local aged, last, known = {}, '', {}
local function add(id)
  if known[id] then return end
  known[id] = true
  aged[#aged + 1] = id
end
if ARGV[5] ~= '' then
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[6], '-inf', '(' .. ARGV[5], 'LIMIT', 0, ARGV[6])) do add(id) end
  -- Rows that no later base has made old are found by the journal, whose entries go with them.
  for _, entry in ipairs(redis.call('XRANGE', KEYS[7], '-', '+', 'COUNT', 256)) do
    if tonumber(entry[2][2]) >= tonumber(ARGV[5]) or #aged >= 2 * ARGV[6] then break end
    last = entry[1]
    for id in string.gmatch(entry[2][4], '%d+ %d+ ([^\n]*)') do add(id) end
  end
end
return {'ok', actors, redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', ARGV[3], 'LIMIT', 0, ARGV[6]),
  redis.call('ZRANGEBYSCORE', KEYS[5], '-inf', ARGV[4], 'LIMIT', 0, ARGV[6]), aged, last}
