INSERT INTO told (what) VALUES ('beforeRepeatables ${flyway:filename}');
