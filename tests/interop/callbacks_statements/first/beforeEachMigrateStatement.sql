INSERT INTO told (what) VALUES ('beforeStatement');
