CREATE TABLE two_hundred (id int);
