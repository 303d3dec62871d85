-- Keys and arguments whose number varies are read one after the other, from where the script has set the cursor.
local key, arg = 0, 0
local function nextKey() key = key + 1 return KEYS[key] end
local function nextArg() arg = arg + 1 return ARGV[arg] end
