-- Those of the ids that the queue does not know.
-- ARGV  ids
-- USES  queue-keys, queue
local missing = {}
for i, state in ipairs(redis.call('HMGET', K.index, unpack(ARGV))) do
  if not state then missing[#missing + 1] = ARGV[i] end
end
return missing
