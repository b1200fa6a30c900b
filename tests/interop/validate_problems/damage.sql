UPDATE flyway_schema_history SET type = 'JDBC' WHERE description = 'of code';
UPDATE flyway_schema_history SET success = false WHERE version = '5';
UPDATE flyway_schema_history SET success = false WHERE description = 'fails';
