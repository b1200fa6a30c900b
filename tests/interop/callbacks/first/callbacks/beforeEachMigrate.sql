INSERT INTO told (what) VALUES ('beforeEachMigrate ${flyway:filename}');
