CREATE TABLE by_conf (id int);
INSERT INTO by_conf VALUES (1);
