CREATE TABLE space (id int);
