INSERT INTO person VALUES ('happy');
