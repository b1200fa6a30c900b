INSERT INTO told (what) VALUES ('afterMigrateOperationFinish ${flyway:filename}');
