-- 40,000 orders with 80,000 lines in all: one, two or three each.
INSERT INTO orders (customer_id, status, placed_at)
SELECT
    1 + (n * 7919) % 20000,
    CASE
        WHEN n > 39000 THEN 'new'
        WHEN n > 38000 THEN 'paid'
        WHEN n % 23 = 0 THEN 'cancelled'
        ELSE 'delivered'
    END::order_status,
    timestamptz '2025-01-01 06:00:00+00' + n * interval '13 minutes'
FROM generate_series(1, 40000) AS n;

INSERT INTO order_lines (order_id, line_no, product_id, quantity, price_cents)
SELECT orders.id, line_no, product.id, 1 + (orders.id + line_no) % 4, product.price_cents
FROM orders
CROSS JOIN LATERAL generate_series(1, 1 + orders.id % 3) AS line_no
JOIN products AS product ON product.id = 1 + (orders.id * 31 + line_no * 7) % 2000;

INSERT INTO stock (warehouse, product_id, on_hand)
SELECT warehouse.code, product.id, (product.id * 17 + length(warehouse.city)) % 120
FROM warehouses AS warehouse
CROSS JOIN products AS product;
