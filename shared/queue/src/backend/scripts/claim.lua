-- KEYS filled due lease nudged; ARGV n lease_ms nonce
-- Takes up to n groups that are due, oldest first. Answers {ms to the next due, or -1 when there is none,
-- or -2 when the set was wiped; group...}.
if redis.call('EXISTS', KEYS[1]) == 0 then
  return {-2}
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local groups = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, tonumber(ARGV[1]))
for _, group in ipairs(groups) do
  redis.call('ZADD', KEYS[2], now + tonumber(ARGV[2]), group)
  redis.call('HSET', KEYS[3], group, ARGV[3])
  redis.call('SREM', KEYS[4], group)
end
local first = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
local answer = {-1}
if first[2] then
  answer[1] = math.max(0, tonumber(first[2]) - now)
end
for _, group in ipairs(groups) do
  answer[#answer + 1] = group
end
return answer
