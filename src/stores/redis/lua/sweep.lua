-- Deletes what has outlived its retention or has become too much, as it was found before, if it still is what it was.
-- KEYS  1 meta, 2 actors, 3 bases, 4 journal, 5 expiry, 6 aged, 7 mark ends, 8 letters, 9 resolved, 10-12 letters present, replayed, discarded,
--       13 due, 14 unsettled, 15 parked, 16 depth, 17 senders, 18 completed, then, in the order of ARGV: per actor its status set, rows, older bases,
--       positions of parked messages, marks, its run's set and its machine's completed; per mark its actor's marks; per actor with old rows its rows and older bases
-- ARGV  token, epoch, now, time before which resolved letters go, time before which rows go ('' for none), most rows to trim,
--       newest journal entry that may go ('' for none), where to look for senders, seconds that they are kept, then sections, each a count and its items, in the order of the code
-- Gives {'stale', epoch} | {'ok', where to look for senders next, actors deleted because of age, because there were too many, to make room}
-- Guarantee: begins with what frees memory, so Redis lets it run when there is none left.
local FIXED = 18
local call, match = redis.call, string.match
local key, arg = FIXED, 9
local function nextKey() key = key + 1 return KEYS[key] end
local function nextArg() arg = arg + 1 return ARGV[arg] end
local meta = call('HMGET', KEYS[1], 'token', 'epoch', 'live')
if meta[1] ~= ARGV[1] or meta[2] ~= ARGV[2] then return {'stale', meta[2] or '0'} end
local now = tonumber(ARGV[3])
local LIVE = {active = true, paused = true, held = true}
local live, gone = tonumber(meta[3] or '0'), {0, 0, 0}
local function indexOf(id) return match(call('HGET', KEYS[2], id) or '', '^[^\n]*') end
for _ = 1, tonumber(nextArg()) do
  local why, id, index, root, rootIndex = tonumber(nextArg()), nextArg(), nextArg(), nextArg(), nextArg()
  local status, rows, older, positions, marks, run, completed = nextKey(), nextKey(), nextKey(), nextKey(), nextKey(), nextKey(), nextKey()
  -- Only the actor that was found, in the run that was found: it may have been replaced or have changed since.
  if indexOf(id) == index and indexOf(root) == rootIndex then
    gone[why] = gone[why] + 1
    if LIVE[match(index, '^%d+|(%a+)')] then live = live - 1 end
    call('HDEL', KEYS[2], id)
    call('HDEL', KEYS[3], id)
    for _, set in ipairs({status, run, completed, KEYS[5], KEYS[6], KEYS[13], KEYS[14], KEYS[18]}) do call('ZREM', set, id) end
    for _, position in ipairs(call('ZRANGE', positions, 0, -1)) do
      call('HDEL', KEYS[15], position)
      if call('HINCRBY', KEYS[16], id, -1) <= 0 then call('HDEL', KEYS[16], id) end
    end
    call('UNLINK', rows, older, positions, marks)
  end
end
if live ~= tonumber(meta[3] or '0') then call('HSET', KEYS[1], 'live', live) end
for _ = 1, tonumber(nextArg()) do
  local member, marks = nextArg(), nextKey()
  local expires = call('ZSCORE', KEYS[7], member)
  if expires and tonumber(expires) <= now then
    call('HDEL', marks, match(member, '^[^\n]*\n(.*)$'))
    call('ZREM', KEYS[7], member)
  end
end
for _ = 1, tonumber(nextArg()) do
  local id = nextArg()
  call('HDEL', KEYS[8], id)
  for i = 9, 12 do call('ZREM', KEYS[i], id) end
end

local before, left = tonumber(ARGV[5]), tonumber(ARGV[6])
for _ = 1, tonumber(nextArg()) do
  local id, rows, older = nextArg(), nextKey(), nextKey()
  local base = tonumber(match(call('HGET', KEYS[3], id) or '', '^%d+') or '0')
  local last
  while left > 0 do
    local to, at = match(call('LINDEX', rows, 0) or '', '^%d+ %d+ (%d+) ([^\n]*)')
    if not to or tonumber(to) > base or tonumber(at) >= before then break end
    call('LPOP', rows)
    last, left = tonumber(to), left - 1
  end
  if last then
    for _, seq in ipairs(call('HKEYS', older)) do if tonumber(seq) < last then call('HDEL', older, seq) end end
  end
  local to, at = match(call('LINDEX', rows, 0) or '', '^%d+ %d+ (%d+) ([^\n]*)')
  if to and tonumber(to) <= base then call('ZADD', KEYS[6], at, id) else call('ZREM', KEYS[6], id) end
end

-- The journal's own entries go by time, once their rows were looked at, or from its beginning once all their actors are gone.
local lastMs = left > 0 and tonumber(match(ARGV[7], '^%d+') or '-1') or -1
for _, entry in ipairs(call('XRANGE', KEYS[4], '-', '+', 'COUNT', 256)) do
  local goes = tonumber(match(entry[1], '^%d+')) <= lastMs
  if not goes then
    goes = true
    for id in string.gmatch(entry[2][4], '%d+ %d+ ([^\n]*)') do
      if call('HEXISTS', KEYS[2], id) == 1 then
        goes = false
        break
      end
    end
  end
  if not goes then break end
  call('XDEL', KEYS[4], entry[1])
end

-- Senders that have been silent for long, by the clock of Redis, which has written when they were heard.
local senders, silentSince = call('HSCAN', KEYS[17], ARGV[8], 'COUNT', ARGV[6]), call('TIME')[1] - ARGV[9]
for i = 1, #senders[2], 2 do
  if tonumber(match(senders[2][i + 1], '^%d+ (%d+)')) < silentSince then call('HDEL', KEYS[17], senders[2][i]) end
end
return {'ok', senders[1], gone[1], gone[2], gone[3]}
