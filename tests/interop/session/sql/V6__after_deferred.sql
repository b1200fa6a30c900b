ALTER TABLE child ADD COLUMN name text;
UPDATE child SET name = 'x';
