-- Messages on their way to the actors of a partition.
-- KEYS  1 meta, 2 inbox, 3 receivers, 4 depth, 5 blobs, 6 blobrefs: what uses this begins with them
local call, match = redis.call, string.match

-- The last field of a message's entry: its data, or the hash of a blob, which counts the entries that name it.
local function contentOf(data, hash)
  if hash == '' then return 'd', data end
  if call('HINCRBY', KEYS[6], hash, 1) == 1 then call('HSET', KEYS[5], hash, data) end
  return 'h', hash
end

local function dropBlob(hash)
  if call('HINCRBY', KEYS[6], hash, -1) <= 0 then
    call('HDEL', KEYS[6], hash)
    call('HDEL', KEYS[5], hash)
  end
end

local function addMessage(position, id, to, sent, data, hash)
  call('XADD', KEYS[2], position .. '-0', 'i', id, 't', to, 'a', sent, contentOf(data, hash))
  call('RPUSH', KEYS[3], hash == '' and to or to .. '\n' .. hash)
end

local function deepen(to, by) call('HINCRBY', KEYS[4], to, by) end

local function loosen(to)
  if call('HINCRBY', KEYS[4], to, -1) <= 0 then call('HDEL', KEYS[4], to) end
end

-- Takes the oldest messages out, all up to a position.
local function consume(floor, newFloor)
  for _, receiver in ipairs(call('LPOP', KEYS[3], newFloor - floor) or {}) do
    local to, hash = match(receiver, '^([^\n]*)\n(.*)$')
    loosen(to or receiver)
    if hash then dropBlob(hash) end
  end
  call('XTRIM', KEYS[2], 'MINID', (newFloor + 1) .. '-0')
end
