-- Entries of the journal that may hold positions above one, oldest first. An entry is a commit, its id the position of its first row.
-- KEYS  journal
-- ARGV  position, most entries
-- Gives per entry: first position, rows as lines of 'from to actor'.
local first = redis.call('XREVRANGE', KEYS[1], ARGV[1] .. '-0', '-', 'COUNT', 1)
local from = first[1] and first[1][1] or '-'
local out = {}
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', ARGV[2])) do
  out[#out + 1] = string.match(entry[1], '^%d+')
  out[#out + 1] = entry[2][4]
end
return out
