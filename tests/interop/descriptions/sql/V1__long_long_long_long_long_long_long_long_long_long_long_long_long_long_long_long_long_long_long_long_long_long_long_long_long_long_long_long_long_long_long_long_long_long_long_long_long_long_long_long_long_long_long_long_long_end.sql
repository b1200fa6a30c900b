CREATE TABLE long_one (id int);
