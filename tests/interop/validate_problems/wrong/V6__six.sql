CREATE TABLE t6 (id int PRIMARY KEY);
-- changed
