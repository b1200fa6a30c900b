CREATE TABLE IF NOT EXISTS told (n int GENERATED ALWAYS AS IDENTITY, what text);
INSERT INTO told (what) VALUES ('beforeMigrate');
