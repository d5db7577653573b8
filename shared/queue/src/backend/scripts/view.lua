-- KEYS due lease; ARGV lease_ms group...
-- Answers for each group {ms until it is due, or '' when it is absent; 1 while a live lease holds it}, one behind
-- the other. Changes nothing.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local answer = {}
for i = 2, #ARGV do
  local due = redis.call('ZSCORE', KEYS[1], ARGV[i])
  local left = due and tonumber(due) - now
  local leased = left and left > 0 and left <= tonumber(ARGV[1])
    and redis.call('HEXISTS', KEYS[2], ARGV[i]) == 1
  answer[#answer + 1] = left or ''
  answer[#answer + 1] = leased and 1 or 0
end
return answer
