CREATE TABLE zeros (id int);
