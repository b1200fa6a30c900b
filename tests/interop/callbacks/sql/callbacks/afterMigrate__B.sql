INSERT INTO told (what) VALUES ('afterMigrate__B ${flyway:filename}');
