INSERT INTO told (what) VALUES ('afterMigrateError');
