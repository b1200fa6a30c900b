-- Few orders are open, and the packers ask for those all day.
CREATE INDEX orders_open_idx ON orders (placed_at) WHERE status IN ('new', 'paid');

CREATE INDEX order_lines_product_id_idx ON order_lines (product_id);
