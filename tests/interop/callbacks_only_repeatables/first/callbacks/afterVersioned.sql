INSERT INTO told (what) VALUES ('afterVersioned ${flyway:filename}');
