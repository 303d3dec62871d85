-- What every script of a task queue uses: its keys, and what the scripts share. All keys have one hash tag, and all
-- scripts are given all of them in this order:
--   settings     hash     total, perKey, minIdleMs, deliveriesMax, weighted, w:<key>
--   meta         hash     queue, seq, turn, now:<priority>, lookedAt
--   index        hash     id -> w|<priority>|<seq>|<partition>|<channel>|<key> while it waits,
--                               a|<entry>|<delivery>|<worker>|<partition>|<channel>|<key> while a worker has it,
--                               d|<partition>|<report> until its owner has settled it; the channel is the owner's
--   pending:*    streams  id, key, data of what waits, by priority; entry <seq>-0
--   order:*      zsets    keys that have something waiting and a place free, by virtual time
--   lines        zset     <priority><key>\1<seq>\1<id>: what waits, by key and age
--   queued       hash     key -> how many wait
--   active       stream   id, key, data, priority of what workers have; group `workers` knows whose it is and since when
--   running      hash     k:<key> and `all` -> how many are active
--   details      hash     id -> details of the last heartbeat
--   done         zset     <partition>\1<id>: what owners have not settled yet
--   completed, failed, dead_letter  streams  log of what has ended, trimmed; group `monitoring`
--   epochs       hash     partition -> highest epoch that has put something
--   workers      zset     worker -> when it last said something, by the clock of Redis in milliseconds
--   protocol     hash     version, keys and scripts for workers in any language: docs/task-protocol.md
local names = {
  'settings', 'meta', 'index', 'pending1', 'pending2', 'pending3', 'order1', 'order2', 'order3', 'lines', 'queued', 'active', 'running',
  'details', 'done', 'completed', 'failed', 'dead_letter', 'epochs', 'workers', 'protocol',
}
local K = {}
for i = 1, #names do K[names[i]] = KEYS[i] end
-- Whatever older workers would not stand takes a new version.
local LOG_MAX, VERSION, newest = 10000, 1, tonumber(redis.call('HGET', K.protocol, 'version') or 0)
if newest > VERSION then return redis.error_reply('NEWER this queue speaks version ' .. newest .. ' of its protocol, the caller ' .. VERSION) end
local options = redis.call('HMGET', K.settings, 'total', 'perKey', 'minIdleMs', 'deliveriesMax', 'weighted')
local TOTAL, PER_KEY = tonumber(options[1]) or math.huge, tonumber(options[2]) or math.huge
local MIN_IDLE_MS, DELIVERIES_MAX = tonumber(options[3]) or 10000, tonumber(options[4]) or 5

local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Numbers of hashes, read once and written once: `flush` ends every script that changes any.
local known, changed, owners = {}, {}, {}

local function count(name, field, by)
  local at = name .. '\1' .. field
  local value = known[at] or tonumber(redis.call('HGET', K[name], field) or 0)
  if by then
    value = value + by
    changed[at] = { K[name], field }
  end
  known[at] = value
  return value
end

local function flush()
  for at, where in pairs(changed) do
    if known[at] > 0 then redis.call('HSET', where[1], where[2], known[at]) else redis.call('HDEL', where[1], where[2]) end
  end
  for channel, partitions in pairs(owners) do
    redis.call('PUBLISH', channel, 'results ' .. redis.call('HGET', K.meta, 'queue') .. ' ' .. table.concat(partitions, ','))
  end
end

local function has_place(key)
  return PER_KEY == math.huge or count('running', 'k:' .. key) < PER_KEY
end

local function weight_of(key)
  return options[5] and tonumber(redis.call('HGET', K.settings, 'w:' .. key)) or 1
end

-- Lets a key take part at a priority, unless it does or may not. Start-time fair queueing: its time goes on by 1/weight a task.
local enlisted = {}
local function enlist(p, key)
  if enlisted[p .. key] or not has_place(key) then return end
  enlisted[p .. key] = true
  redis.call('ZADD', K['order' .. p], 'NX', count('meta', 'now:' .. p) + 1 / weight_of(key), key)
end

-- The first of those that wait under a key.
local function first(p, key, most)
  return redis.call('ZRANGEBYLEX', K.lines, '[' .. p .. key .. '\1', '(' .. p .. key .. '\2', 'LIMIT', 0, most)
end

-- Adds an attempt to what waits.
local function wait(id, key, p, data, partition, channel)
  local seq = string.format('%016.0f', count('meta', 'seq', 1))
  redis.call('XADD', K['pending' .. p], seq .. '-0', 'id', id, 'key', key, 'data', data)
  redis.call('ZADD', K.lines, 0, p .. key .. '\1' .. seq .. '\1' .. id)
  redis.call('HSET', K.index, id, table.concat({ 'w', p, seq, partition, channel, key }, '|'))
  count('queued', key, 1)
  enlist(p, key)
end

-- Entry, delivery, worker, partition, channel and key of an active attempt.
local function active(id)
  return string.match(redis.call('HGET', K.index, id) or '', '^a|([^|]+)|(%d+)|([^|]+)|(%d+)|([^|]*)|(.*)$')
end

-- Gives back the place of an active attempt.
local function release(entry, key)
  redis.call('XACK', K.active, 'workers', entry)
  redis.call('XDEL', K.active, entry)
  count('running', 'k:' .. key, -1)
  count('running', 'all', -1)
  if PER_KEY == math.huge or count('queued', key) == 0 then return end
  for p = 1, 3 do
    if #first(p, key, 1) > 0 then enlist(p, key) end
  end
end

-- Keeps a report until its owner, who is told by `flush`, has settled it.
local has_details = redis.call('EXISTS', K.details) == 1
local function conclude(id, partition, channel, log, report, worker, delivery)
  redis.call('HSET', K.index, id, 'd|' .. partition .. '|' .. report)
  redis.call('ZADD', K.done, 0, partition .. '\1' .. id)
  if has_details then redis.call('HDEL', K.details, id) end
  redis.call('XADD', K[log], 'MAXLEN', '~', LOG_MAX, '*', 'id', id, 'worker', worker, 'delivery', delivery)
  local told = owners[channel] or {}
  if told[#told] ~= partition then told[#told + 1] = partition end
  owners[channel] = told
end
