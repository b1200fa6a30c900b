CREATE TABLE no_description (id int);
