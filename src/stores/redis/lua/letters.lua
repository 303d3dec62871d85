-- Dead letters of one partition in the order of their ids.
-- KEYS  letters, then the sets of the states to look through
-- ARGV  id above which to look, the one id to look for ('' for any), most letters
-- Gives per letter: id, text.
local out = {}
if ARGV[2] ~= '' then
  local text = redis.call('HGET', KEYS[1], ARGV[2])
  if text then out = {ARGV[2], text} end
  return out
end
local ids = {}
for i = 2, #KEYS do
  for _, id in ipairs(redis.call('ZRANGEBYLEX', KEYS[i], ARGV[1] == '' and '-' or '(' .. ARGV[1], '+', 'LIMIT', 0, ARGV[3])) do ids[#ids + 1] = id end
end
table.sort(ids)
for i = 1, math.min(#ids, tonumber(ARGV[3])) do
  out[#out + 1] = ids[i]
  out[#out + 1] = redis.call('HGET', KEYS[1], ids[i])
end
return out
