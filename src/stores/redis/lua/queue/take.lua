-- Gives a worker attempts: first those of workers that have gone silent, then what is next.
-- ARGV  worker (without '|'), most attempts
-- Gives per attempt: entry, delivery, id, data, details.
-- Guarantee: a delivery is counted before it is given (Q3); limits (Q5) and shares (Q6) hold over all workers.
-- USES  queue
local worker, limit, at = ARGV[1], tonumber(ARGV[2]), now()
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

local function hold(id, entry, delivery, partition, channel, key)
  redis.call('HSET', K.index, id, table.concat({ 'a', entry, delivery, worker, partition, channel, key }, '|'))
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
      hold(id, entry, delivery + 1, partition, channel, key)
      give(redis.call('XCLAIM', K.active, 'workers', worker, 0, entry)[1], delivery + 1)
    end
  end
end

-- The key whose turn it is at a priority, what waits first under it, and whether more does.
local function next_at(p)
  for _ = 1, 1000 do
    local head = redis.call('ZRANGE', K['order' .. p], 0, 0, 'WITHSCORES')
    local key = head[1]
    if not key then return end
    local members = has_place(key) and first(p, key, 2) or {}
    if members[1] then return p, key, members, tonumber(head[2]) end
    -- Full, until one of its own ends; or called off.
    redis.call('ZREM', K['order' .. p], key)
  end
end

-- Of every 16 turns 12 begin with high, 3 with medium, 1 with low, so that none starves.
local turns = { [4] = { 2, 1, 3 }, [9] = { 2, 1, 3 }, [14] = { 2, 1, 3 }, [15] = { 3, 2, 1 } }
local usual = { 1, 2, 3 }
local function next_in_turn()
  for _, p in ipairs(turns[count('meta', 'turn') % 16] or usual) do
    local found, key, members, time = next_at(p)
    if found then return found, key, members, time end
  end
end

local fresh = 0
while given + fresh < limit and count('running', 'all') < TOTAL do
  local p, key, members, time = next_in_turn()
  if not p then break end
  local seq, id = string.match(members[1], '\1(%d+)\1(.*)$')
  local pending = K['pending' .. p]
  local data = redis.call('XRANGE', pending, seq .. '-0', seq .. '-0')[1][2][6]
  redis.call('XDEL', pending, seq .. '-0')
  redis.call('ZREM', K.lines, members[1])
  count('queued', key, -1)
  count('running', 'k:' .. key, 1)
  count('running', 'all', 1)
  count('meta', 'now:' .. p, time - count('meta', 'now:' .. p))
  count('meta', 'turn', 1)
  if members[2] then
    redis.call('ZINCRBY', K['order' .. p], 1 / weight_of(key), key)
  else
    redis.call('ZREM', K['order' .. p], key)
  end
  local partition, channel = string.match(redis.call('HGET', K.index, id), '^w|%d|%d+|(%d+)|([^|]*)|')
  hold(id, redis.call('XADD', K.active, '*', 'id', id, 'key', key, 'data', data, 'priority', p), 1, partition, channel, key)
  fresh = fresh + 1
end
if fresh > 0 then
  for _, entry in ipairs(redis.call('XREADGROUP', 'GROUP', 'workers', worker, 'COUNT', fresh, 'STREAMS', K.active, '>')[1][2]) do
    give(entry, 1)
  end
end
flush()
return out
