CREATE TABLE orders (id int, state text);
