CREATE TABLE city (id int PRIMARY KEY, name text, note text);

COPY city (id, name, note) FROM stdin;
1	Zürich	it's; -- not a comment
2	Bern	\N
3	tab\there	$$ not a quote
\.

CREATE INDEX city_name ON city (name);
