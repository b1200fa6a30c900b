CREATE TABLE no_semicolon (id int);
INSERT INTO no_semicolon VALUES (1)