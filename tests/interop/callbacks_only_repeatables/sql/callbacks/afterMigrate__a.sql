INSERT INTO told (what) VALUES ('afterMigrate__a ${flyway:filename}');
