INSERT INTO told (what) VALUES ('R a');
