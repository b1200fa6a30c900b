CREATE TABLE two AS SELECT current_setting('TimeZone') AS zone;
