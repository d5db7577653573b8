-- KEYS due. Answers {groups that are due, ms since the first of them is}. Changes nothing.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
local lag = first[2] and math.max(0, now - tonumber(first[2])) or 0
return {redis.call('ZCOUNT', KEYS[1], '-inf', now), lag}
