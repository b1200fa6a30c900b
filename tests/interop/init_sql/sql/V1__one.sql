CREATE TABLE one AS SELECT current_setting('TimeZone') AS zone;
