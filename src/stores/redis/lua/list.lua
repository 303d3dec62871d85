-- Actors of one partition by what is asked of them, in the order of their creation.
-- KEYS  actors, run's set ('' key when not asked for), then the status sets to look through
-- ARGV  score above which to look, prefix of ids, run ('' for any), state, tag (as they stand in a record, '' for any), most to give, most to look at
-- Gives {score reached, 1 if there may be more, score, id, record, ...}
local above, prefix, run, state, tag, limit, looks = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7])
local sets = {}
for i = 3, #KEYS do sets[#sets + 1] = KEYS[i] end
local found, more = {}, false
for _, set in ipairs(sets) do
  local page = redis.call('ZRANGEBYSCORE', set, '(' .. above, '+inf', 'WITHSCORES', 'LIMIT', 0, looks)
  for i = 1, #page, 2 do found[#found + 1] = {page[i], tonumber(page[i + 1])} end
  if #page == 2 * looks then more = true end
end
table.sort(found, function(a, b) return a[2] < b[2] end)
local out = {above, more and 1 or 0}
local seen = 0
for _, each in ipairs(found) do
  if seen == looks then
    out[2] = 1
    break
  end
  seen = seen + 1
  local id, score = each[1], string.format('%.0f', each[2])
  if string.sub(id, 1, #prefix) == prefix and (run == '' or id == run or redis.call('ZSCORE', KEYS[2], id)) then
    local record = redis.call('HGET', KEYS[1], id)
    if record and (state == '' or string.find(record, state, 1, true)) and (tag == '' or string.find(record, tag, 1, true)) then
      if (#out - 2) / 3 == limit then
        out[2] = 1
        break
      end
      local n = #out
      out[n + 1], out[n + 2], out[n + 3] = score, id, record
    end
  end
  out[1] = score
end
return out
