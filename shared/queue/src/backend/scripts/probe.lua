-- KEYS zset hash set string
-- Does once all that the other scripts do, so that a Redis which refuses any of it counts as away.
redis.call('TIME')
redis.call('ZADD', KEYS[1], 1, 'probe')
redis.call('ZSCORE', KEYS[1], 'probe')
redis.call('ZMSCORE', KEYS[1], 'probe')
redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', 1, 'LIMIT', 0, 1)
redis.call('ZCOUNT', KEYS[1], '-inf', 1)
redis.call('HSET', KEYS[2], 'probe', 1)
redis.call('HGET', KEYS[2], 'probe')
redis.call('HMGET', KEYS[2], 'probe')
redis.call('HEXISTS', KEYS[2], 'probe')
redis.call('HDEL', KEYS[2], 'probe')
redis.call('SADD', KEYS[3], 'probe')
redis.call('SREM', KEYS[3], 'probe')
redis.call('EXISTS', KEYS[1])
redis.call('SET', KEYS[4], 1)
return 1
