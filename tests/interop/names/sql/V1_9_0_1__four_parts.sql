CREATE TABLE four_parts (id int);
