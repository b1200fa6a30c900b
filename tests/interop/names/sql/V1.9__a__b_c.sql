CREATE TABLE a_b_c (id int);
