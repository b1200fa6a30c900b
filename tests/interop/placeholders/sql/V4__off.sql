CREATE TABLE off AS SELECT '${unknown}' AS x;
