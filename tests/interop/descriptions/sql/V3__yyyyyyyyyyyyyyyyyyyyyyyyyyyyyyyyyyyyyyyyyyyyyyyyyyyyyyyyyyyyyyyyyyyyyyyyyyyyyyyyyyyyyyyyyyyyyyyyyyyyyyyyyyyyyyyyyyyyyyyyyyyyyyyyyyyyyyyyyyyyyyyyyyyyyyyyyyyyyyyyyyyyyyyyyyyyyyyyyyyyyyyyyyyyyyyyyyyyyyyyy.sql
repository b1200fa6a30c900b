CREATE TABLE one_more (id int);
