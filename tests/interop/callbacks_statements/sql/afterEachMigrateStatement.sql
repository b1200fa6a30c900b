INSERT INTO told (what) VALUES ('afterStatement');
