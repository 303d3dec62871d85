-- What scripts of a task queue share. They change states and numbers through it and end with `flush`.
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- What scripts change is read once and written once, in as few calls as it takes: `flush` ends every script that changes any.
-- A call from Lua costs more than what it does.
local known, changed, owners, states, gathered = {}, {}, {}, {}, {}

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

-- Adds to a command that takes many.
local function gather(command, key, ...)
  local at = command .. key
  local args = gathered[at]
  if not args then
    args = command == 'XACK' and { command, key, 'workers' } or { command, key }
    gathered[at] = args
    gathered[#gathered + 1] = args
  end
  for _, value in ipairs({ ... }) do args[#args + 1] = value end
end

-- Reads the states of attempts together.
local function prefetch(ids)
  if #ids == 0 then return end
  for i, state in ipairs(redis.call('HMGET', K.index, unpack(ids))) do states[ids[i]] = state or '' end
end

local function state_of(id)
  states[id] = states[id] or redis.call('HGET', K.index, id) or ''
  return states[id]
end

local function set_state(id, ...)
  states[id] = table.concat({ ... }, '|')
  gather('HSET', K.index, id, states[id])
end

local function flush()
  for at, where in pairs(changed) do
    if known[at] > 0 then gather('HSET', where[1], where[2], known[at]) else gather('HDEL', where[1], where[2]) end
  end
  for _, args in ipairs(gathered) do redis.call(unpack(args)) end
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
  gather('ZADD', K.lines, 0, p .. key .. '\1' .. seq .. '\1' .. id)
  set_state(id, 'w', p, seq, partition, channel, key)
  count('queued', key, 1)
  enlist(p, key)
end

-- Entry, delivery, worker, partition, channel and key of an active attempt.
local function active(id)
  return string.match(state_of(id), '^a|([^|]+)|(%d+)|([^|]+)|(%d+)|([^|]*)|(.*)$')
end

-- Gives back the place of an active attempt.
local function release(entry, key)
  gather('XACK', K.active, entry)
  gather('XDEL', K.active, entry)
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
  set_state(id, 'd', partition, report)
  gather('ZADD', K.done, 0, partition .. '\1' .. id)
  if has_details then gather('HDEL', K.details, id) end
  redis.call('XADD', K[log], 'MAXLEN', '~', LOG_MAX, '*', 'id', id, 'worker', worker, 'delivery', delivery)
  local told = owners[channel] or {}
  if told[#told] ~= partition then told[#told + 1] = partition end
  owners[channel] = told
end
