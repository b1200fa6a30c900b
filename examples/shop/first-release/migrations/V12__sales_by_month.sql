CREATE MATERIALIZED VIEW sales_by_month AS
SELECT
    date_trunc('month', placed_at AT TIME ZONE 'UTC')::date AS month,
    products.category_id,
    sum(order_lines.quantity) AS pieces,
    sum(order_lines.quantity::bigint * order_lines.price_cents) AS revenue_cents
FROM orders
JOIN order_lines ON order_lines.order_id = orders.id
JOIN products ON products.id = order_lines.product_id
WHERE orders.status <> 'cancelled'
GROUP BY 1, 2;

-- REFRESH … CONCURRENTLY needs it.
CREATE UNIQUE INDEX sales_by_month_key ON sales_by_month (month, category_id);
