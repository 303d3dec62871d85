-- The one atomic write of a batch of steps.
-- KEYS  1-6 as in inbox, 7-12 as in actors, 13 journal, 14 out, 15 parked, 16 mark ends, 17 letters, 18 resolved,
--       19-21 letters present, replayed, discarded, 22 completed, then, in the order of ARGV: per tenant and machine 7 status sets and its
--       completed; per actor its rows, for a base or a birth its older bases, for a birth into another's run that run's set; per message
--       parked or taken out its actor's positions; per mark its actor's marks
-- ARGV  token, epoch, commit id, seq, time, inbox floor, prefix of node channels, channel of the partition, partition,
--       then sections, each a count and its items, in the order of the code
-- USES  cursor, inbox, actors, replication
-- Gives {'ok', messages that wait to be relayed, number of the last one (not for a repeated commit)} | {'stale', epoch} | {'behind', seq} | {'void'} | {'broken', what}
-- Guarantee: all or nothing (S1): whatever may be refused is looked at before the first write. Fenced by token, epoch and seq (S2), and
-- by the replication id: after a failover other messages may stand at positions that this owner has read. Repeated with the id of
-- the last commit it changes nothing (S3).
key, arg = 22, 9

-- ── what may be refused ──────────────────────────────────────────────────────────────────────────────────────────
local meta = call('HMGET', KEYS[1], 'token', 'epoch', 'commit', 'seq', 'floor', 'head', 'parked', 'journal', 'out', 'score', 'live', 'node', 'replid')
if meta[1] ~= ARGV[1] or meta[2] ~= ARGV[2] then return {'stale', meta[2] or '0'} end
if meta[3] == ARGV[3] then return {'ok', call('XLEN', KEYS[14])} end
if tonumber(ARGV[4]) ~= (tonumber(meta[4]) or 0) + 1 then return {'behind', meta[4] or '0'} end
if meta[13] ~= replicationId() then return {'void'} end
local floor, head, parked, out = tonumber(meta[5] or '0'), tonumber(meta[6] or '0'), tonumber(meta[7] or '0'), tonumber(meta[9] or '0')
local newFloor = math.max(floor, tonumber(ARGV[6]))
if newFloor > head then return {'broken', 'inbox floor ' .. ARGV[6] .. ' is above its last message ' .. head} end
local writes, fault = readWrites()
if not writes then return {'broken', fault} end

-- Whether there is memory left Redis judges by the first write alone: so that is one that may take some, and changes nothing.
call('HSET', KEYS[1], 'floor', floor)

-- ── actors ───────────────────────────────────────────────────────────────────────────────────────────────────────
local counts = {journal = tonumber(meta[8] or '0'), score = tonumber(meta[10] or '0'), live = tonumber(meta[11] or '0')}
local firstRow, lines = counts.journal + 1, {}
for at = writes.first, writes.last, WIDTH do lines[#lines + 1] = writeActor(counts, writes, at, ARGV[5]) end
if #lines > 0 then call('XADD', KEYS[13], firstRow .. '-0', 'a', ARGV[5], 'r', table.concat(lines, '\n')) end

-- ── messages ─────────────────────────────────────────────────────────────────────────────────────────────────────
if newFloor > floor then consume(floor, newFloor) end
for _ = 1, tonumber(nextArg()) do
  local position, to, positions = nextArg(), nextArg(), nextKey()
  if call('HDEL', KEYS[15], position) == 1 then
    call('ZREM', positions, position)
    loosen(to)
  end
end
for _ = 1, tonumber(nextArg()) do
  local to, text, positions = nextArg(), nextArg(), nextKey()
  parked = parked + 1
  call('HSET', KEYS[15], parked, text)
  call('ZADD', positions, parked, parked)
  deepen(to, 1)
end
local before = head
for _ = 1, tonumber(nextArg()) do
  local target, id, to, sent, data, hash = nextArg(), nextArg(), nextArg(), nextArg(), nextArg(), nextArg()
  if target == ARGV[9] then
    head = head + 1
    addMessage(head, id, to, sent, data, hash)
    deepen(to, 1)
  else
    out = out + 1
    call('XADD', KEYS[14], out .. '-0', 'p', target, 'i', id, 't', to, 'a', sent, contentOf(data, hash))
  end
end

-- ── marks and dead letters ───────────────────────────────────────────────────────────────────────────────────────
for _ = 1, tonumber(nextArg()) do
  local actor, name, fingerprint, expires, marks = nextArg(), nextArg(), nextArg(), nextArg(), nextKey()
  call('HSET', marks, name, fingerprint)
  call('ZADD', KEYS[16], expires, actor .. '\n' .. name)
end
local states = {present = KEYS[19], replayed = KEYS[20], discarded = KEYS[21]}
for _ = 1, tonumber(nextArg()) do
  local id, state, text = nextArg(), nextArg(), nextArg()
  local old = call('HGET', KEYS[17], id)
  if old then call('ZREM', states[match(old, '^%a+')], id) end
  call('HSET', KEYS[17], id, state .. '\n' .. text)
  call('ZADD', states[state], 0, id)
end
for _ = 1, tonumber(nextArg()) do
  local id, state, resolution, at = nextArg(), nextArg(), nextArg(), nextArg()
  local old = call('HGET', KEYS[17], id)
  if old and match(old, '^%a+') == 'present' then
    call('HSET', KEYS[17], id, state .. '\n' .. string.sub(old, 9) .. '\n' .. resolution)
    call('ZREM', states.present, id)
    call('ZADD', states[state], 0, id)
    call('ZADD', KEYS[18], at, id)
  end
end

call('HSET', KEYS[1], 'commit', ARGV[3], 'seq', ARGV[4], 'floor', newFloor, 'head', head, 'parked', parked, 'journal', counts.journal,
  'out', out, 'score', format('%.0f', counts.score), 'live', counts.live)
call('PUBLISH', ARGV[8], '')
if head > before then call('PUBLISH', ARGV[7] .. meta[12], 'inbox ' .. ARGV[9]) end
return {'ok', call('XLEN', KEYS[14]), out}
