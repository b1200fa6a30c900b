-- a comment first
DROP INDEX CONCURRENTLY big_n
