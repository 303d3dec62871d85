-- Ends an attempt.
-- ARGV  entry, delivery, worker, log (completed or failed), report
-- Gives 1, or 0 when the attempt is not this delivery's any more.
-- Guarantee: only the latest delivery can finish an attempt; its report is kept until it is settled (Q4).
local f = own(ARGV[1], ARGV[2], ARGV[3])
if not f then return 0 end
release(ARGV[1], f[4])
conclude(f[2], ARGV[4], ARGV[5], ARGV[3], ARGV[2])
return 1
