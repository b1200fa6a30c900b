CREATE TABLE mixed (id int,
  name text);INSERT INTO mixed VALUES (1, 'ä	ö');


