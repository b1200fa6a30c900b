INSERT INTO told (what) VALUES ('afterMigrateApplied ${flyway:filename}');
