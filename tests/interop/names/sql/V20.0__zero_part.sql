CREATE TABLE zero_part (id int);
