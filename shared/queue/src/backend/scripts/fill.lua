-- KEYS filled due lease; ARGV lease_ms mark (group delay_ms)...
-- Adds what is absent and pulls forward what is due too late, unless it is leased. mark 1: the lane is whole.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local groups = {}
for i = 3, #ARGV, 2 do
  groups[#groups + 1] = ARGV[i]
end
-- One command for all: a call from Lua costs more than what it does.
if groups[1] then
  local due = redis.call('ZMSCORE', KEYS[2], unpack(groups))
  local lease = redis.call('HMGET', KEYS[3], unpack(groups))
  local changed = {}
  for i, group in ipairs(groups) do
    local at, old = now + tonumber(ARGV[2 * i + 2]), due[i] and tonumber(due[i])
    local live = lease[i] and old and now < old and old <= now + tonumber(ARGV[1])
    if not old or (not live and old > at) then
      changed[#changed + 1] = at
      changed[#changed + 1] = group
    end
  end
  if changed[1] then
    redis.call('ZADD', KEYS[2], unpack(changed))
  end
end
if ARGV[2] == '1' then
  redis.call('SET', KEYS[1], 1)
end
return 1
