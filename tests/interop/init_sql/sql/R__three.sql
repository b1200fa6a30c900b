CREATE TABLE three AS SELECT current_setting('TimeZone') AS zone;
