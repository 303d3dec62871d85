-- Forgets attempts whose reports have been handled.
-- ARGV  ids
-- USES  queue-keys, queue
local members, ids = {}, {}
for i, state in ipairs(redis.call('HMGET', K.index, unpack(ARGV))) do
  local partition = state and string.match(state, '^d|(%d+)|')
  if partition then
    ids[#ids + 1] = ARGV[i]
    members[#members + 1] = partition .. '\1' .. ARGV[i]
  end
end
if #ids == 0 then return 0 end
redis.call('ZREM', K.done, unpack(members))
return redis.call('HDEL', K.index, unpack(ids))
