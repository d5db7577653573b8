-- KEYS any; answers what the server that holds it says of its memory. Changes nothing.
return redis.call('INFO', 'memory')
