-- The one atomic write of a batch of steps.
-- KEYS  1 meta, 2 actors, 3 bases, 4 journal, 5 inbox, 6 receivers, 7 depth, 8 blobs, 9 blobrefs, 10 out, 11 parked, 12 due,
--       13 unsettled, 14 expiry, 15 aged, 16 mark ends, 17 letters, 18 resolved, 19-21 letters present, replayed, discarded,
--       then, in the order of ARGV: per tenant its 7 status sets; per actor its rows, for a base or a birth its older bases, for a
--       birth into another's run that run's set; per message parked or taken out its actor's positions; per mark its actor's marks
-- ARGV  token, epoch, commit id, seq, time, inbox floor, prefix of node channels, channel of the partition, partition,
--       then sections, each a count and its items, in the order of the code
-- Gives {'ok', 1 if messages wait to be relayed} | {'stale', epoch} | {'behind', seq} | {'broken', what}
-- Guarantee: all or nothing (S1): whatever may be refused is looked at before the first write. Fenced by token, epoch and seq (S2);
-- repeated with the id of the last commit it changes nothing (S3).
local FIXED = 21
local call, match, format = redis.call, string.match, string.format
local key, arg = FIXED, 9
local function nextKey() key = key + 1 return KEYS[key] end
local function nextArg() arg = arg + 1 return ARGV[arg] end

local meta = call('HMGET', KEYS[1], 'token', 'epoch', 'commit', 'seq', 'floor', 'head', 'parked', 'journal', 'out', 'score', 'live', 'node', 'relayed')
if meta[1] ~= ARGV[1] or meta[2] ~= ARGV[2] then return {'stale', meta[2] or '0'} end
if meta[3] == ARGV[3] then return {'ok', (meta[9] or '0') ~= (meta[13] or '0') and 1 or 0} end
if tonumber(ARGV[4]) ~= (tonumber(meta[4]) or 0) + 1 then return {'behind', meta[4] or '0'} end
local floor, head = tonumber(meta[5] or '0'), tonumber(meta[6] or '0')
local newFloor = math.max(floor, tonumber(ARGV[6]))
if newFloor > head then return {'broken', 'inbox floor ' .. ARGV[6] .. ' is above its last message ' .. head} end
local journal, score, live = tonumber(meta[8] or '0'), tonumber(meta[10] or '0'), tonumber(meta[11] or '0')
local LIVE = {active = true, paused = true, held = true}

-- ── what may be refused ──────────────────────────────────────────────────────────────────────────────────────────
local tenants = {}
local STATUSES = {'active', 'paused', 'held', 'failed', 'done', 'stopped', 'cancelled'}
for _ = 1, tonumber(nextArg()) do
  local sets = {}
  for _, status in ipairs(STATUSES) do sets[status] = nextKey() end
  tenants[#tenants + 1] = sets
end
local WIDTH, count = 12, tonumber(nextArg())
local first = arg + 1
local former = {}
for i = 0, count - 1 do
  local id, born = ARGV[first + i * WIDTH], ARGV[first + i * WIDTH + 1]
  local line = call('HGET', KEYS[2], id)
  local index = line and match(line, '^[^\n]*')
  local status = index and match(index, '^%d+|(%a+)')
  if born == '1' and status and LIVE[status] then return {'broken', 'actor ' .. id .. ' is created, but exists and is ' .. status} end
  if born == '0' and not status then return {'broken', 'actor ' .. id .. ' is written, but does not exist'} end
  former[i] = index or false
end

-- ── actors ───────────────────────────────────────────────────────────────────────────────────────────────────────
local function setIf(set, id, value)
  if value then call('ZADD', set, value, id) else call('ZREM', set, id) end
end
local function place(sets, id, old, new)
  local oldScore, oldStatus, oldDue, oldUnsettled, oldExpires
  if old then oldScore, oldStatus, oldDue, oldUnsettled, oldExpires = match(old, '^(%d+)|(%a+)|([^|]*)|(%d)|([^|]*)$') end
  local newScore, status, due, unsettled, expires = match(new, '^(%d+)|(%a+)|([^|]*)|(%d)|([^|]*)$')
  if oldStatus ~= status or oldScore ~= newScore then
    if oldStatus then call('ZREM', sets[oldStatus], id) end
    call('ZADD', sets[status], newScore, id)
    live = live + (LIVE[status] and 1 or 0) - (oldStatus and LIVE[oldStatus] and 1 or 0)
  end
  if (oldDue or '') ~= due then setIf(KEYS[12], id, due ~= '' and due) end
  if (oldUnsettled or '0') ~= unsettled then setIf(KEYS[13], id, unsettled == '1' and 0) end
  if (oldExpires or '') ~= expires then setIf(KEYS[14], id, expires ~= '' and expires) end
end

local lines = {}
local journalFirst = journal + 1
for i = 0, count - 1 do
  local at = first + i * WIDTH
  local id, born, tenant, createdAt, rest, json = ARGV[at], ARGV[at + 1] == '1', tonumber(ARGV[at + 2]), ARGV[at + 3], ARGV[at + 4], ARGV[at + 5]
  local baseSeq, base, from, to, row, inRun = ARGV[at + 6], ARGV[at + 7], ARGV[at + 8], ARGV[at + 9], ARGV[at + 10], ARGV[at + 11] == '1'
  local rows = nextKey()
  local older = (born or baseSeq ~= '') and nextKey()
  local run = inRun and nextKey()
  local actorScore
  if born then
    score = math.max(math.floor(createdAt) * 2048, score + 1)
    actorScore = format('%.0f', score)
    call('DEL', rows, older)
    if former[i] then call('ZREM', KEYS[15], id) end
    if run then call('ZADD', run, actorScore, id) end
  else
    actorScore = match(former[i], '^%d+')
  end
  local index = actorScore .. '|' .. rest
  call('HSET', KEYS[2], id, index .. '\n' .. json)
  if index ~= former[i] then place(tenants[tenant], id, former[i], index) end
  if baseSeq ~= '' then
    local oldBase = not born and call('HGET', KEYS[3], id)
    if oldBase then
      local oldSeq = match(oldBase, '^%d+')
      if oldSeq ~= baseSeq then call('HSET', older, oldSeq, string.sub(oldBase, #oldSeq + 2)) end
    end
    call('HSET', KEYS[3], id, baseSeq .. '\n' .. base)
    local oldest = not born and call('LINDEX', rows, 0)
    if oldest then
      local last, when = match(oldest, '^%d+ %d+ (%d+) ([^\n]*)')
      if tonumber(last) <= tonumber(baseSeq) then call('ZADD', KEYS[15], 'NX', when, id) end
    end
  end
  if from ~= '' then
    journal = journal + 1
    call('RPUSH', rows, journal .. ' ' .. from .. ' ' .. to .. ' ' .. ARGV[5] .. '\n' .. row)
    lines[#lines + 1] = from .. ' ' .. to .. ' ' .. id
  end
end
arg = first + count * WIDTH - 1
if #lines > 0 then call('XADD', KEYS[4], journalFirst .. '-0', 'a', ARGV[5], 'r', table.concat(lines, '\n')) end

-- ── messages ─────────────────────────────────────────────────────────────────────────────────────────────────────
local function loosen(id, by)
  if call('HINCRBY', KEYS[7], id, -by) <= 0 then call('HDEL', KEYS[7], id) end
end
local function dropBlob(hash)
  if call('HINCRBY', KEYS[9], hash, -1) <= 0 then
    call('HDEL', KEYS[9], hash)
    call('HDEL', KEYS[8], hash)
  end
end
local function keepBlob(hash, data)
  if call('HINCRBY', KEYS[9], hash, 1) == 1 then call('HSET', KEYS[8], hash, data) end
end
if newFloor > floor then
  for _, receiver in ipairs(call('LPOP', KEYS[6], newFloor - floor) or {}) do
    local to, hash = match(receiver, '^([^\n]*)\n(.*)$')
    loosen(to or receiver, 1)
    if hash then dropBlob(hash) end
  end
  call('XTRIM', KEYS[5], 'MINID', (newFloor + 1) .. '-0')
end
for _ = 1, tonumber(nextArg()) do
  local position, to, positions = nextArg(), nextArg(), nextKey()
  if call('HDEL', KEYS[11], position) == 1 then
    call('ZREM', positions, position)
    loosen(to, 1)
  end
end
local parked = tonumber(meta[7] or '0')
for _ = 1, tonumber(nextArg()) do
  local to, text, positions = nextArg(), nextArg(), nextKey()
  parked = parked + 1
  call('HSET', KEYS[11], parked, text)
  call('ZADD', positions, parked, parked)
  call('HINCRBY', KEYS[7], to, 1)
end
local out = tonumber(meta[9] or '0')
local near = 0
for _ = 1, tonumber(nextArg()) do
  local target, id, to, sent, data, hash = nextArg(), nextArg(), nextArg(), nextArg(), nextArg(), nextArg()
  local kind, content = 'd', data
  if hash ~= '' then
    keepBlob(hash, data)
    kind, content = 'h', hash
  end
  if target == ARGV[9] then
    head, near = head + 1, near + 1
    call('XADD', KEYS[5], head .. '-0', 'i', id, 't', to, 'a', sent, kind, content)
    call('RPUSH', KEYS[6], hash == '' and to or to .. '\n' .. hash)
    call('HINCRBY', KEYS[7], to, 1)
  else
    out = out + 1
    call('XADD', KEYS[10], out .. '-0', 'p', target, 'i', id, 't', to, 'a', sent, kind, content)
  end
end

-- ── the rest ─────────────────────────────────────────────────────────────────────────────────────────────────────
for _ = 1, tonumber(nextArg()) do
  local actor, name, fingerprint, expires, marks = nextArg(), nextArg(), nextArg(), nextArg(), nextKey()
  call('HSET', marks, name, fingerprint)
  call('ZADD', KEYS[16], expires, actor .. '\n' .. name)
end
local STATES = {present = KEYS[19], replayed = KEYS[20], discarded = KEYS[21]}
for _ = 1, tonumber(nextArg()) do
  local id, state, text = nextArg(), nextArg(), nextArg()
  local old = call('HGET', KEYS[17], id)
  if old then call('ZREM', STATES[match(old, '^%a+')], id) end
  call('HSET', KEYS[17], id, state .. '\n' .. text)
  call('ZADD', STATES[state], 0, id)
end
for _ = 1, tonumber(nextArg()) do
  local id, state, resolution, at = nextArg(), nextArg(), nextArg(), nextArg()
  local old = call('HGET', KEYS[17], id)
  if old and match(old, '^%a+') == 'present' then
    call('HSET', KEYS[17], id, state .. '\n' .. string.sub(old, 9) .. '\n' .. resolution)
    call('ZREM', STATES.present, id)
    call('ZADD', STATES[state], 0, id)
    call('ZADD', KEYS[18], at, id)
  end
end

call('HSET', KEYS[1], 'commit', ARGV[3], 'seq', ARGV[4], 'floor', newFloor, 'head', head, 'parked', parked, 'journal', journal,
  'out', out, 'score', format('%.0f', score), 'live', live)
call('PUBLISH', ARGV[8], '')
if near > 0 then call('PUBLISH', ARGV[7] .. meta[12], 'inbox ' .. ARGV[9]) end
return {'ok', out ~= tonumber(meta[13] or '0') and 1 or 0}
