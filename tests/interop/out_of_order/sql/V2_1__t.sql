CREATE TABLE t2_1 (id int);
