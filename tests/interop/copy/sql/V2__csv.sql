CREATE TABLE pair (a text, b text);
COPY pair FROM STDIN WITH (FORMAT csv, HEADER);
a,b
"x, ""quoted""",1
,
\.
COPY pair (b) FROM STDIN WITH (FORMAT csv, DELIMITER '|');
only
\.
UPDATE pair SET a = '-' WHERE a IS NULL;
