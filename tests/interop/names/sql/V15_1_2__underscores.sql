CREATE TABLE underscores (id int);
