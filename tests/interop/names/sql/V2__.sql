CREATE TABLE no_text (id int);
