INSERT INTO told (what) VALUES ('rolled back');
SELECT missing;
