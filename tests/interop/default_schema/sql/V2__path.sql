CREATE TABLE path AS SELECT current_schemas(false)::text AS now;
