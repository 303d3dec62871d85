-- What stands before every script of a task queue: its keys, and what the scripts share. All keys have one hash tag, and all
-- scripts are given all of them in this order:
--   settings      hash     total, perKey, minIdleMs, deliveriesMax, w:<key>
--   meta          hash     queue, seq, turn, now:<priority>, lookedAt
--   index         hash     id -> w|<priority>|<seq>|<key> waiting, a|<entry>|<key> active, d|<partition> done
--   pending:*     streams  what waits, by priority; entry <seq>-0
--   order:*       zsets    keys that have something waiting and a place free, by virtual time
--   lines         zset     <priority><key>\1<seq>\1<id>: what waits, by key and age
--   queued        hash     key -> how many wait
--   active        stream   id, key, data, priority of what workers have; group `workers` knows whose it is, since when and the how manieth delivery
--   running       hash     k:<key> and `all` -> how many are active
--   details       hash     id -> details of the last heartbeat
--   results, done hash id -> report; zset <partition>\1<id>: what owners have not settled yet
--   completed, failed, dead_letter  streams  log of what has ended, trimmed; group `monitoring`
--   epochs        hash     partition -> highest epoch that has put something
--   nodes         hash     id -> <partition>|<channel of the node that waits for it>
--   workers       zset     worker -> when it last said something, by the clock of Redis in milliseconds
local names = {
  'settings', 'meta', 'index', 'pending1', 'pending2', 'pending3', 'order1', 'order2', 'order3', 'lines', 'queued', 'active', 'running',
  'details', 'results', 'done', 'completed', 'failed', 'dead_letter', 'epochs', 'nodes', 'workers',
}
local K = {}
for i = 1, #names do K[names[i]] = KEYS[i] end
local LOG_MAX = 10000

local function number(key, field, otherwise)
  return tonumber(redis.call('HGET', key, field) or otherwise)
end

local function count(key, field, by)
  if redis.call('HINCRBY', key, field, by) <= 0 then redis.call('HDEL', key, field) end
end

local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function has_place(key)
  return number(K.running, 'k:' .. key, 0) < number(K.settings, 'perKey', math.huge)
end

-- Lets a key take part at a priority, unless it does or may not. Start-time fair queueing: its time goes on by 1/weight a task.
local function enlist(p, key)
  if not has_place(key) or redis.call('ZSCORE', K['order' .. p], key) then return end
  local from = number(K.meta, 'now:' .. p, 0)
  redis.call('ZADD', K['order' .. p], from + 1 / number(K.settings, 'w:' .. key, 1), key)
end

-- The first that waits under a key.
local function first(p, key)
  return redis.call('ZRANGEBYLEX', K.lines, '[' .. p .. key .. '\1', '(' .. p .. key .. '\2', 'LIMIT', 0, 1)[1]
end

-- Gives back the place of an active one.
local function release(entry, key)
  redis.call('XACK', K.active, 'workers', entry)
  redis.call('XDEL', K.active, entry)
  count(K.running, 'k:' .. key, -1)
  count(K.running, 'all', -1)
  if redis.call('HEXISTS', K.queued, key) == 0 then return end
  for p = 1, 3 do
    if first(p, key) then enlist(p, key) end
  end
end

-- Adds an attempt to what waits.
local function wait(id, key, p, data)
  local seq = string.format('%016.0f', redis.call('HINCRBY', K.meta, 'seq', 1))
  redis.call('XADD', K['pending' .. p], seq .. '-0', 'id', id, 'key', key, 'data', data)
  redis.call('ZADD', K.lines, 0, p .. key .. '\1' .. seq .. '\1' .. id)
  redis.call('HSET', K.index, id, 'w|' .. p .. '|' .. seq .. '|' .. key)
  redis.call('HINCRBY', K.queued, key, 1)
  enlist(p, key)
end

-- The fields of an active entry, if this delivery of it is this worker's still.
local function own(entry, delivery, worker)
  if redis.call('EXISTS', K.active) == 0 then return nil end
  local known = redis.call('XPENDING', K.active, 'workers', entry, entry, 1)[1]
  if not known or known[2] ~= worker or known[4] ~= tonumber(delivery) then return nil end
  return redis.call('XRANGE', K.active, entry, entry)[1][2]
end

-- Keeps a report until its owner has settled it, and tells him.
local function conclude(id, log, report, worker, delivery)
  local partition, channel = string.match(redis.call('HGET', K.nodes, id) or '0|', '^(%d+)|(.*)$')
  redis.call('HSET', K.results, id, report)
  redis.call('ZADD', K.done, 0, partition .. '\1' .. id)
  redis.call('HSET', K.index, id, 'd|' .. partition)
  redis.call('HDEL', K.details, id)
  redis.call('XADD', K[log], 'MAXLEN', '~', LOG_MAX, '*', 'id', id, 'worker', worker, 'delivery', delivery)
  redis.call('PUBLISH', channel, 'results ' .. redis.call('HGET', K.meta, 'queue'))
end
