-- An order without lines is a lost basket.
SELECT count(*) = 0 AS every_order_has_lines, count(*) AS without_lines
FROM orders
WHERE NOT EXISTS (SELECT FROM order_lines WHERE order_lines.order_id = orders.id);
