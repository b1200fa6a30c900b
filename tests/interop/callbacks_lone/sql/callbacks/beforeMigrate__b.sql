INSERT INTO told (what) VALUES ('beforeMigrate__b ${flyway:filename}');
