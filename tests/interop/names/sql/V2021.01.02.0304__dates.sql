CREATE TABLE dates (id int);
