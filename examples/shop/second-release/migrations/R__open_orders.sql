-- What the packers see; now with the coupon.
CREATE OR REPLACE VIEW open_orders AS
SELECT
    orders.id,
    orders.placed_at,
    orders.status,
    customers.full_name,
    in_francs(order_total(orders.id)) AS total,
    orders.coupon_code
FROM orders
JOIN customers ON customers.id = orders.customer_id
WHERE orders.status IN ('new', 'paid');
