-- Names the run of writes that a server continues: another one after a failover or a restart, which may have lost the last of them,
-- and in a few cases where nothing is lost: when a first replica is attached, or the slot has moved.
local function replicationId() return string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)') end
