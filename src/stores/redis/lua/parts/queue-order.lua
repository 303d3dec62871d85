-- The order in which keys take part, for the script that takes.
-- Per priority: a page of the keys that are next, by virtual time, each with what waits first under it, and what became of them.
local pages = {}
local function page_at(p, limit)
  if pages[p] then return pages[p] end
  local page, found = { times = {} }, redis.call('ZRANGE', K['order' .. p], 0, limit - 1, 'WITHSCORES')
  for i = 1, #found, 2 do page[#page + 1] = { key = found[i], time = tonumber(found[i + 1]) } end
  page.is_last = #page < limit
  pages[p] = page
  return page
end

local function put_back(p)
  for key, time in pairs(pages[p].times) do
    if time then redis.call('ZADD', K['order' .. p], time, key) else redis.call('ZREM', K['order' .. p], key) end
  end
  pages[p] = nil
end

-- Takes what is next at a priority: of the key whose time is least, unless it is full or all of it was called off.
local function next_at(p, limit)
  local page = page_at(p, limit)
  while page[1] do
    local line = table.remove(page, 1)
    local key = line.key
    line.waiting, line.at = line.waiting or first(p, key, limit + 1), line.at or 1
    local member = has_place(key) and line.waiting[line.at]
    page.times[key] = false
    if member then
      count('meta', 'now:' .. p, line.time - count('meta', 'now:' .. p))
      line.at, line.time = line.at + 1, line.time + 1 / weight_of(key)
      if line.waiting[line.at] then
        local place = 1
        while page[place] and page[place].time <= line.time do place = place + 1 end
        table.insert(page, place, line)
        page.times[key] = line.time
      end
      return key, member
    end
    if not page[1] and not page.is_last then
      put_back(p)
      page = page_at(p, limit)
    end
  end
end
