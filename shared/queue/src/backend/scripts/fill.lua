-- KEYS filled due lease; ARGV lease_ms mark (group delay_ms)...
-- Adds what is absent and pulls forward what is due too late, unless it is leased. mark 1: the lane is whole.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 3, #ARGV, 2 do
  local group = ARGV[i]
  local at = now + tonumber(ARGV[i + 1])
  local due = redis.call('ZSCORE', KEYS[2], group)
  due = due and tonumber(due)
  local live = due and now < due and due <= now + tonumber(ARGV[1])
    and redis.call('HEXISTS', KEYS[3], group) == 1
  if not due or (not live and due > at) then
    redis.call('ZADD', KEYS[2], at, group)
  end
end
if ARGV[2] == '1' then
  redis.call('SET', KEYS[1], 1)
end
return 1
