CREATE TABLE #[name] (id text DEFAULT '${name}', t text DEFAULT '#[flyway.table]');
