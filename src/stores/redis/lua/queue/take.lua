-- Gives a worker attempts: first those of workers that have gone silent, then what is next.
-- ARGV  worker, most attempts
-- Gives per attempt: entry, delivery, id, data, details.
-- Guarantee: a delivery is counted before it is given (Q3); limits (Q5) and shares (Q6) hold over all workers.
local worker, limit, at = ARGV[1], tonumber(ARGV[2]), now()
local out, given = {}, 0
redis.call('ZADD', K.workers, at, worker)
if redis.call('EXISTS', K.active) == 0 then redis.call('XGROUP', 'CREATE', K.active, 'workers', '0', 'MKSTREAM') end

local function give(entry, delivery)
  local f = entry[2]
  local n = #out
  out[n + 1], out[n + 2], out[n + 3], out[n + 4] = entry[1], delivery, f[2], f[6]
  out[n + 5] = redis.call('HGET', K.details, f[2]) or ''
  given = given + 1
end

-- Once a second is enough, and a look goes through all that is active.
if at - number(K.meta, 'lookedAt', 0) >= math.min(1000, number(K.settings, 'minIdleMs', 10000) / 2) then
  local idle, most = number(K.settings, 'minIdleMs', 10000), number(K.settings, 'deliveriesMax', 5)
  local silent = redis.call('XPENDING', K.active, 'workers', 'IDLE', idle, '-', '+', limit)
  -- A full page may have left some behind.
  if #silent < limit then redis.call('HSET', K.meta, 'lookedAt', string.format('%.0f', at)) end
  for _, known in ipairs(silent) do
    local entry, delivery = known[1], known[4]
    local f = redis.call('XRANGE', K.active, entry, entry)[1][2]
    if delivery >= most then
      release(entry, f[4])
      conclude(f[2], 'dead_letter', '{"ok":false,"crashes":' .. delivery .. '}', known[2], delivery)
    else
      give(redis.call('XCLAIM', K.active, 'workers', worker, 0, entry)[1], delivery + 1)
    end
  end
end

local total = number(K.settings, 'total', math.huge)
local turn, running, fresh = number(K.meta, 'turn', 0), number(K.running, 'all', 0), 0

local function next_at(p)
  for _ = 1, 1000 do
    local head = redis.call('ZRANGE', K['order' .. p], 0, 0, 'WITHSCORES')
    local key = head[1]
    if not key then return end
    local member = has_place(key) and first(p, key)
    if member then return p, key, member, tonumber(head[2]) end
    -- Full, until one of its own ends; or called off.
    redis.call('ZREM', K['order' .. p], key)
  end
end

local function next_of(...)
  for i = 1, 3 do
    local p, key, member, time = next_at((select(i, ...)))
    if p then return p, key, member, time end
  end
end

-- Of every 16 turns 12 begin with high, 3 with medium, 1 with low, so that none starves.
local function next_in_turn()
  if turn % 16 == 15 then return next_of(3, 2, 1) end
  if (turn % 16) % 5 == 4 then return next_of(2, 1, 3) end
  return next_of(1, 2, 3)
end

while given + fresh < limit and running < total do
  local p, key, member, time = next_in_turn()
  if not p then break end
  local seq, id = string.match(member, '\1(%d+)\1(.*)$')
  local pending = K['pending' .. p]
  local data = redis.call('XRANGE', pending, seq .. '-0', seq .. '-0')[1][2][6]
  redis.call('XDEL', pending, seq .. '-0')
  redis.call('ZREM', K.lines, member)
  count(K.queued, key, -1)
  redis.call('HINCRBY', K.running, 'k:' .. key, 1)
  redis.call('HINCRBY', K.running, 'all', 1)
  redis.call('HSET', K.meta, 'now:' .. p, string.format('%.9f', time))
  if first(p, key) then
    redis.call('ZINCRBY', K['order' .. p], 1 / number(K.settings, 'w:' .. key, 1), key)
  else
    redis.call('ZREM', K['order' .. p], key)
  end
  local entry = redis.call('XADD', K.active, '*', 'id', id, 'key', key, 'data', data, 'priority', p)
  redis.call('HSET', K.index, id, 'a|' .. entry .. '|' .. key)
  turn, running, fresh = turn + 1, running + 1, fresh + 1
end
if fresh > 0 then
  redis.call('HSET', K.meta, 'turn', turn % 16)
  for _, entry in ipairs(redis.call('XREADGROUP', 'GROUP', 'workers', worker, 'COUNT', fresh, 'STREAMS', K.active, '>')[1][2]) do
    give(entry, 1)
  end
end
return out
