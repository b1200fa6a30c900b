CREATE TABLE words ("begin" int, "commit" text, "end" int);
INSERT INTO words ("begin", "commit") VALUES (1, 'COMMIT; ROLLBACK;');
CREATE VIEW cases AS SELECT CASE WHEN "begin" = 1 THEN 'BEGIN;' ELSE 'END;' END AS c FROM words;
SELECT * FROM words;
CREATE TYPE mood AS ENUM ('sad', 'ok;');
CREATE TABLE parts (id int, at date) PARTITION BY RANGE (at);
CREATE TABLE parts_2026 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
