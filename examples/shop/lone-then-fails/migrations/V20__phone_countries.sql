ALTER TABLE customers ADD COLUMN phone_country text GENERATED ALWAYS AS (split_part(phone, ' ', 1)) STORED;
