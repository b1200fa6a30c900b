ALTER TABLE flyway_schema_history ADD COLUMN note text DEFAULT 'ours';
