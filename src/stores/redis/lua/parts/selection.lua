-- Walks over the actors of one partition that fit what is asked of them, in the order of their creation or against it.
-- KEYS  1 actors, 2 run's set ('' key when not asked for), then the status sets to look through
-- ARGV  1 score beyond which to look, 2 'oldest' or 'newest', 3 most to look at, 4 prefix of ids, 5 prefix of ids to leave out, 6 run, 7 state, 8 tag
--       (both as they stand in a record), 9 part of the key, 10 updated before, 11 updated after; from 5 on '' for any
local runOnly, state, tag, part, before, after = ARGV[6] ~= '', ARGV[7], ARGV[8], ARGV[9], tonumber(ARGV[10]), tonumber(ARGV[11])

-- False where a name holds what Lua's JSON does not take (half of a surrogate pair): then the text alone decides.
local function decoded(json)
  local ok, value = pcall(cjson.decode, json)
  return ok and value
end

local function fieldsOf(record)
  return decoded(string.sub(record, (string.find(record, '\n', 1, true)) + 1))
end

local function holds(names, wanted)
  for _, name in ipairs(names) do if name == wanted then return true end end
  return false
end

local stateName, tagName = decoded('[' .. state .. ']'), decoded('[' .. tag .. ']')

local function fitsName(id)
  return string.sub(id, 1, #ARGV[4]) == ARGV[4] and (ARGV[5] == '' or string.sub(id, 1, #ARGV[5]) ~= ARGV[5])
    and (part == '' or string.find(string.match(id, '^[^/]*/[^/]*/(.*)$'), part, 1, true))
    and (not runOnly or id == ARGV[6] or redis.call('ZSCORE', KEYS[2], id))
end

-- Found in the text first, which costs little.
local function fitsRecord(record)
  if (state ~= '' and not string.find(record, state, 1, true)) or (tag ~= '' and not string.find(record, tag, 1, true)) then return false end
  local fields = (state ~= '' or tag ~= '' or before or after) and fieldsOf(record)
  if not fields then return true end
  return (state == '' or not stateName or holds(fields[5], stateName[1])) and (tag == '' or not tagName or holds(fields[6], tagName[1]))
    and (not before or fields[11] < before) and (not after or fields[11] > after)
end

-- Calls visit(id, score, record) until it gives false. Gives the score reached, and 1 if there may be more.
local function look(visit)
  local newest, looks, found, more = ARGV[2] == 'newest', tonumber(ARGV[3]), {}, 0
  for i = 3, #KEYS do
    local page = newest and redis.call('ZREVRANGEBYSCORE', KEYS[i], '(' .. ARGV[1], '-inf', 'WITHSCORES', 'LIMIT', 0, looks)
      or redis.call('ZRANGEBYSCORE', KEYS[i], '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, looks)
    for j = 1, #page, 2 do found[#found + 1] = {page[j], tonumber(page[j + 1])} end
    if #page == 2 * looks then more = 1 end
  end
  table.sort(found, function(a, b) if newest then return a[2] > b[2] end return a[2] < b[2] end)
  local reached = ARGV[1]
  for seen, each in ipairs(found) do
    if seen > looks then return reached, 1 end
    local id, score = each[1], string.format('%.0f', each[2])
    local record = fitsName(id) and redis.call('HGET', KEYS[1], id)
    if record and fitsRecord(record) and visit(id, score, record) == false then return reached, 1 end
    reached = score
  end
  return reached, more
end
