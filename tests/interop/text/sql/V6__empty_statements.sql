;;
CREATE TABLE semicolons (id int);;
;
INSERT INTO semicolons VALUES (1);;;
