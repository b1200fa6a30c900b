CREATE TABLE two AS SELECT current_schemas(false)::text AS path, current_user::text AS who;
