-- KEYS due lease nudged; ARGV group delay_ms lease_ms channel lane
-- Makes a group due by then. Under a lease, lapsed or not, its end will know of it as well.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local due = redis.call('ZSCORE', KEYS[1], ARGV[1])
due = due and tonumber(due)
local leased = redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1
if leased then
  redis.call('SADD', KEYS[3], ARGV[1])
end
if leased and due and now < due and due <= now + tonumber(ARGV[3]) then
  return 0
end
local at = now + tonumber(ARGV[2])
if not due or at < due then
  redis.call('ZADD', KEYS[1], at, ARGV[1])
end
if tonumber(ARGV[2]) == 0 then
  -- Without the right to publish, workers find it by their next poll.
  redis.pcall('PUBLISH', ARGV[4], ARGV[5])
end
return 1
