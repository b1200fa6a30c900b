CREATE TABLE t_3 (id int);
