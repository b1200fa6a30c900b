CREATE TABLE here (id int);
CREATE TABLE extra.there (id int);
