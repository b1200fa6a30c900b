-- What the packers see.
CREATE OR REPLACE VIEW open_orders AS
SELECT
    orders.id,
    orders.placed_at,
    orders.status,
    customers.full_name,
    in_francs(order_total(orders.id)) AS total
FROM orders
JOIN customers ON customers.id = orders.customer_id
WHERE orders.status IN ('new', 'paid');
