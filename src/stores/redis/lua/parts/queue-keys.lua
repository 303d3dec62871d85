-- What every script of a task queue uses: its keys, and what the scripts share. All keys have one hash tag, and all
-- scripts are given all of them in this order:
--   settings     hash     total, perKey, minIdleMs, deliveriesMax, weighted, w:<key>
--   meta         hash     queue, seq, turn, now:<priority>, lookedAt
--   index        hash     id -> w|<priority>|<seq>|<partition>|<channel>|<key> while it waits,
--                               a|<entry>|<delivery>|<worker>|<partition>|<channel>|<key> while a worker has it,
--                               d|<partition>|<report> until its owner has settled it; the channel is the owner's
--   pending:*    streams  id, key, data of what waits, by priority; entry <seq>-0
--   order:*      zsets    keys that have something waiting and a place free, by virtual time
--   lines        zset     <priority><key>\1<seq>\1<id>: what waits, by key and age
--   queued       hash     key -> how many wait
--   active       stream   id, key, data, priority of what workers have; group `workers` knows whose it is and since when
--   running      hash     k:<key> and `all` -> how many are active
--   details      hash     id -> details of the last heartbeat
--   done         zset     <partition>\1<id>: what owners have not settled yet
--   completed, failed, dead_letter  streams  log of what has ended, trimmed; group `monitoring`
--   epochs       hash     partition -> highest epoch that has put something
--   workers      zset     worker -> when it last said something, by the clock of Redis in milliseconds
--   protocol     hash     version, keys and scripts for workers in any language: docs/task-protocol.md
local names = {
  'settings', 'meta', 'index', 'pending1', 'pending2', 'pending3', 'order1', 'order2', 'order3', 'lines', 'queued', 'active', 'running',
  'details', 'done', 'completed', 'failed', 'dead_letter', 'epochs', 'workers', 'protocol',
}
local K = {}
for i = 1, #names do K[names[i]] = KEYS[i] end
-- Whatever older workers would not stand takes a new version.
local LOG_MAX, VERSION, newest = 10000, 1, tonumber(redis.call('HGET', K.protocol, 'version') or 0)
if newest > VERSION then return redis.error_reply('NEWER this queue speaks version ' .. newest .. ' of its protocol, the caller ' .. VERSION) end
local options = redis.call('HMGET', K.settings, 'total', 'perKey', 'minIdleMs', 'deliveriesMax', 'weighted')
local TOTAL, PER_KEY = tonumber(options[1]) or math.huge, tonumber(options[2]) or math.huge
local MIN_IDLE_MS, DELIVERIES_MAX = tonumber(options[3]) or 10000, tonumber(options[4]) or 5
