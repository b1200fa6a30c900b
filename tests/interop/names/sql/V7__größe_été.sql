CREATE TABLE letters (id int);
