INSERT INTO told (what) VALUES ('afterEachMigrate ${flyway:filename}');
