-- What a commit writes of its actors: record, base, row, and the sets they are found by.
-- KEYS  7 actors, 8 bases, 9 due, 10 unsettled, 11 expiry, 12 aged, 22 completed
-- USES  cursor
local call, match, format = redis.call, string.match, string.format
local LIVE = {active = true, paused = true, held = true}
local STATUSES = {'active', 'paused', 'held', 'failed', 'done', 'stopped', 'cancelled'}
local WIDTH = 12
local INDEX = '^(%d+)|(%a+)|([^|]*)|(%d)|([^|]*)|([^|]*)$'

-- Moves the cursor over all writes. Gives where they begin, how many they are, per write the actor's former index line, and per
-- tenant and machine its sets; or what is wrong with one of them. Writes nothing.
local function readWrites()
  local kinds, former = {}, {}
  for kind = 1, tonumber(nextArg()) do
    kinds[kind] = {}
    for _, status in ipairs(STATUSES) do kinds[kind][status] = nextKey() end
    kinds[kind].completed = nextKey()
  end
  local count = tonumber(nextArg())
  local first = arg + 1
  for at = first, first + (count - 1) * WIDTH, WIDTH do
    local id, born = ARGV[at], ARGV[at + 1] == '1'
    local line = call('HGET', KEYS[7], id)
    local index = line and match(line, '^[^\n]*')
    local status = index and match(index, '^%d+|(%a+)')
    if born and status and LIVE[status] then return nil, 'actor ' .. id .. ' is created, but exists and is ' .. status end
    if not born and not status then return nil, 'actor ' .. id .. ' is written, but does not exist' end
    former[at] = index or false
  end
  arg = first + count * WIDTH - 1
  return {first = first, last = arg, former = former, kinds = kinds}
end

local function setIf(set, id, value)
  if value then call('ZADD', set, value, id) else call('ZREM', set, id) end
end

-- Puts an actor into the sets that its index line speaks of. Gives by how many more actors live.
local function place(sets, id, old, new)
  local oldScore, oldStatus, oldDue, oldUnsettled, oldExpires, oldCompleted
  if old then oldScore, oldStatus, oldDue, oldUnsettled, oldExpires, oldCompleted = match(old, INDEX) end
  local score, status, due, unsettled, expires, completed = match(new, INDEX)
  if (oldDue or '') ~= due then setIf(KEYS[9], id, due ~= '' and due) end
  if (oldUnsettled or '0') ~= unsettled then setIf(KEYS[10], id, unsettled == '1' and 0) end
  if (oldExpires or '') ~= expires then setIf(KEYS[11], id, expires ~= '' and expires) end
  if (oldCompleted or '') ~= completed then
    setIf(KEYS[22], id, completed ~= '' and completed)
    setIf(sets.completed, id, completed ~= '' and completed)
  end
  if oldStatus == status and oldScore == score then return 0 end
  if oldStatus then call('ZREM', sets[oldStatus], id) end
  call('ZADD', sets[status], score, id)
  return (LIVE[status] and 1 or 0) - (oldStatus and LIVE[oldStatus] and 1 or 0)
end

-- The base before it becomes an older one, unless it was a former actor's. An actor whose rows now lie below its base is
-- remembered by the age of its oldest row.
local function writeBase(id, born, seq, data, rows, older)
  local former = not born and call('HGET', KEYS[8], id)
  if former then
    local formerSeq = match(former, '^%d+')
    if formerSeq ~= seq then call('HSET', older, formerSeq, string.sub(former, #formerSeq + 2)) end
  end
  call('HSET', KEYS[8], id, seq .. '\n' .. data)
  local last, when = match(call('LINDEX', rows, 0) or '', '^%d+ %d+ (%d+) ([^\n]*)')
  if last and tonumber(last) <= tonumber(seq) then call('ZADD', KEYS[12], 'NX', when, id) end
end

-- One write, with the partition's counts of births (`score`), rows (`journal`) and actors that live. Gives its journal line, if any.
local function writeActor(counts, writes, at, now)
  local id, born, createdAt, baseSeq, from, to = ARGV[at], ARGV[at + 1] == '1', ARGV[at + 3], ARGV[at + 6], ARGV[at + 8], ARGV[at + 9]
  local former = writes.former[at]
  local rows = nextKey()
  local older = (born or baseSeq ~= '') and nextKey()
  local run = ARGV[at + 11] == '1' and nextKey()
  local score
  if born then
    counts.score = math.max(math.floor(createdAt) * 2048, counts.score + 1)
    score = format('%.0f', counts.score)
    -- Nothing of a former actor of this id is left.
    call('DEL', rows, older)
    if former then call('ZREM', KEYS[12], id) end
    if run then call('ZADD', run, score, id) end
  else
    score = match(former, '^%d+')
  end
  local index = score .. '|' .. ARGV[at + 4]
  call('HSET', KEYS[7], id, index .. '\n' .. ARGV[at + 5])
  if index ~= former then counts.live = counts.live + place(writes.kinds[tonumber(ARGV[at + 2])], id, former, index) end
  if baseSeq ~= '' then writeBase(id, born, baseSeq, ARGV[at + 7], rows, older) end
  if from == '' then return nil end
  counts.journal = counts.journal + 1
  call('RPUSH', rows, counts.journal .. ' ' .. from .. ' ' .. to .. ' ' .. now .. '\n' .. ARGV[at + 10])
  return from .. ' ' .. to .. ' ' .. id
end
