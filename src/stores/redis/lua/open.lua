-- Makes the deployment, or says what is there already.
-- KEYS  config
-- ARGV  format, partitions ('' to take what is there, or the default), default number of partitions
-- Gives {'ok', partitions} | {'format', format of the store} | {'partitions', those of the store}
-- Guarantee: format and number of partitions never change once set.
local format, partitions = unpack(redis.call('HMGET', KEYS[1], 'format', 'partitions'))
if format and tonumber(format) > tonumber(ARGV[1]) then return {'format', format} end
if not partitions then
  partitions = ARGV[2] ~= '' and ARGV[2] or ARGV[3]
  redis.call('HSET', KEYS[1], 'format', ARGV[1], 'partitions', partitions)
  return {'ok', partitions}
end
if ARGV[2] ~= '' and ARGV[2] ~= partitions then return {'partitions', partitions} end
return {'ok', partitions}
