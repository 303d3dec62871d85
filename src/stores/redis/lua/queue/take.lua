-- Gives a worker attempts: first those of workers that have gone silent, then what is next.
-- ARGV  worker (without '|'), most attempts
-- Gives per attempt: entry, delivery, id, data, details.
-- Guarantee: a delivery is counted before it is given (Q3); limits (Q5) and shares (Q6) hold over all workers.
-- USES  queue-keys, queue, queue-order
local worker, limit, at = ARGV[1], math.min(tonumber(ARGV[2]), 1000), now()
local out, given = {}, 0
redis.call('ZADD', K.workers, at, worker)
if redis.call('EXISTS', K.active) == 0 then redis.call('XGROUP', 'CREATE', K.active, 'workers', '0', 'MKSTREAM') end

local function give(entry, delivery)
  local f = entry[2]
  local n = #out
  out[n + 1], out[n + 2], out[n + 3], out[n + 4] = entry[1], delivery, f[2], f[6]
  out[n + 5] = has_details and redis.call('HGET', K.details, f[2]) or ''
  given = given + 1
end

-- Once a second is enough: a look goes through all that is active.
local looked = count('meta', 'lookedAt')
if at - looked >= math.min(1000, MIN_IDLE_MS / 2) then
  local silent = redis.call('XPENDING', K.active, 'workers', 'IDLE', MIN_IDLE_MS, '-', '+', limit)
  -- A full page may have left some behind.
  if #silent < limit then count('meta', 'lookedAt', at - looked) end
  for _, idle in ipairs(silent) do
    local id = redis.call('XRANGE', K.active, idle[1], idle[1])[1][2][2]
    local entry, delivery, former, partition, channel, key = active(id)
    delivery = tonumber(delivery)
    if delivery >= DELIVERIES_MAX then
      release(entry, key)
      conclude(id, partition, channel, 'dead_letter', '{"ok":false,"crashes":' .. delivery .. '}', former, delivery)
    else
      set_state(id, 'a', entry, delivery + 1, worker, partition, channel, key)
      give(redis.call('XCLAIM', K.active, 'workers', worker, 0, entry)[1], delivery + 1)
    end
  end
end

-- Of every 16 turns 12 begin with high, 3 with medium, 1 with low, so that none starves.
local turns = { [4] = { 2, 1, 3 }, [9] = { 2, 1, 3 }, [14] = { 2, 1, 3 }, [15] = { 3, 2, 1 } }
local usual = { 1, 2, 3 }
local function next_in_turn()
  for _, p in ipairs(turns[count('meta', 'turn') % 16] or usual) do
    local key, member = next_at(p, limit)
    if member then return p, key, member end
  end
end

local fresh = {}
while given + #fresh < limit and count('running', 'all') < TOTAL do
  local p, key, member = next_in_turn()
  if not p then break end
  local seq, id = string.match(member, '\1(%d+)\1(.*)$')
  fresh[#fresh + 1] = { p = p, key = key, seq = seq .. '-0', id = id }
  gather('ZREM', K.lines, member)
  count('queued', key, -1)
  count('running', 'k:' .. key, 1)
  count('running', 'all', 1)
  count('meta', 'turn', 1)
end

local ids = {}
for _, each in ipairs(fresh) do ids[#ids + 1] = each.id end
prefetch(ids)
for _, each in ipairs(fresh) do
  local pending = K['pending' .. each.p]
  local data = redis.call('XRANGE', pending, each.seq, each.seq)[1][2][6]
  gather('XDEL', pending, each.seq)
  local entry = redis.call('XADD', K.active, '*', 'id', each.id, 'key', each.key, 'data', data, 'priority', each.p)
  local partition, channel = string.match(state_of(each.id), '^w|%d|%d+|(%d+)|([^|]*)|')
  set_state(each.id, 'a', entry, 1, worker, partition, channel, each.key)
end
if #fresh > 0 then
  for _, entry in ipairs(redis.call('XREADGROUP', 'GROUP', 'workers', worker, 'COUNT', #fresh, 'STREAMS', K.active, '>')[1][2]) do
    give(entry, 1)
  end
end
for p in pairs(pages) do put_back(p) end
flush()
return out
