CREATE TABLE built_in AS SELECT '${flyway:defaultSchema}' AS s, '${flyway:user}' AS u, '${flyway:table}' AS t, '${flyway:filename}' AS f, '${FLYWAY:FileName}' AS g;
DO $$ BEGIN IF '${flyway:database}' <> current_database() THEN RAISE 'no'; END IF; END $$;
SELECT '${flyway:timestamp}'::timestamp;
