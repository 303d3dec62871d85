-- An actor as it was at a sequence.
-- KEYS  actors, bases, rows, older bases
-- ARGV  id, sequence
-- Gives {} | {record, base ('' when that past was trimmed), row, row, ...}
local record = redis.call('HGET', KEYS[1], ARGV[1])
if not record then return {} end
local at = tonumber(ARGV[2])
local base = redis.call('HGET', KEYS[2], ARGV[1])
local seq = tonumber(string.match(base or '', '^%d+') or '0')
if seq > at then
  seq, base = -1, nil
  for _, older in ipairs(redis.call('HKEYS', KEYS[4])) do
    local each = tonumber(older)
    if each <= at and each > seq then seq = each end
  end
  if seq >= 0 then base = string.format('%.0f', seq) .. '\n' .. redis.call('HGET', KEYS[4], string.format('%.0f', seq)) end
end
local out = {record, base or ''}
if not base or at <= seq then return out end
-- The first row that holds a sequence above the base, by bisection: rows lie in order.
local low, high = 0, redis.call('LLEN', KEYS[3])
while low < high do
  local middle = math.floor((low + high) / 2)
  if tonumber(string.match(redis.call('LINDEX', KEYS[3], middle), '^%d+ %d+ (%d+)')) <= seq then low = middle + 1 else high = middle end
end
while true do
  local page = redis.call('LRANGE', KEYS[3], low, low + 63)
  for _, row in ipairs(page) do
    if tonumber(string.match(row, '^%d+ (%d+)')) > at then return out end
    out[#out + 1] = row
  end
  if #page < 64 then return out end
  low = low + 64
end
