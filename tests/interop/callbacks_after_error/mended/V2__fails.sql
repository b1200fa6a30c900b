INSERT INTO told (what) VALUES ('V2');
