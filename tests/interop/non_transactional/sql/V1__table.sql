CREATE TABLE big AS SELECT g AS id, g % 7 AS n FROM generate_series(1, 1000) g;
