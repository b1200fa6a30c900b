CREATE TABLE t_2_1 (id int);
