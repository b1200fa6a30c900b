INSERT INTO flyway_schema_history VALUES (8, '5', 'e', 'SQL', 'V5__e.sql', 5, 'me', now(), 7, false), (9, NULL, 'z', 'SQL', 'R__z.sql', 6, 'me', now(), 7, false);
