CREATE OR REPLACE VIEW unchanged AS SELECT '${OPEN} ${flyway:table}' AS open;
