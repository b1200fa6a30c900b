CREATE TABLE here_again (id int);
CREATE TABLE path AS SELECT current_schemas(false)::text AS now;
