-- Reports that wait for their owner.
-- ARGV  most of each, then partitions
-- Gives id and report in turn.
-- USES  queue-keys, queue
local out = {}
for i = 2, #ARGV do
  local from = ARGV[i] .. '\1'
  for _, member in ipairs(redis.call('ZRANGEBYLEX', K.done, '[' .. from, '(' .. ARGV[i] .. '\2', 'LIMIT', 0, ARGV[1])) do
    local id = string.sub(member, #from + 1)
    out[#out + 1], out[#out + 2] = id, string.match(redis.call('HGET', K.index, id) or '', '^d|%d+|(.*)$') or ''
  end
end
return out
