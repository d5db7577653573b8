-- KEYS filled due lease nudged; ARGV n lease_ms nonce
-- Takes up to n groups that are due, oldest first. Answers {ms to the next due, or -1 when there is none,
-- or -2 when the set was wiped; group...}.
if redis.call('EXISTS', KEYS[1]) == 0 then
  return {-2}
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local groups = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, tonumber(ARGV[1]))
-- One command for all: a call from Lua costs more than what it does.
if groups[1] then
  local due, lease, till = {}, {}, now + tonumber(ARGV[2])
  for i, group in ipairs(groups) do
    due[2 * i - 1], due[2 * i] = till, group
    lease[2 * i - 1], lease[2 * i] = group, ARGV[3]
  end
  redis.call('ZADD', KEYS[2], unpack(due))
  redis.call('HSET', KEYS[3], unpack(lease))
  redis.call('SREM', KEYS[4], unpack(groups))
end
local first = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
local wait = -1
if first[2] then
  wait = math.max(0, tonumber(first[2]) - now)
end
return {wait, unpack(groups)}
