INSERT INTO told (what) VALUES ('afterMigrate ${flyway:filename}');
