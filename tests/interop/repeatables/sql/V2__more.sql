ALTER TABLE orders ADD COLUMN more int;
