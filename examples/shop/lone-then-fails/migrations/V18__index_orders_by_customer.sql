-- PostgreSQL runs this outside a transaction only: once it is done, it is done.
CREATE INDEX CONCURRENTLY orders_customer_id_idx ON orders (customer_id);
