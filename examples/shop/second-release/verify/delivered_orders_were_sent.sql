SELECT count(*) = 0 AS delivered_orders_were_sent, count(*) AS never_sent
FROM orders
WHERE status = 'delivered'
    AND NOT EXISTS (SELECT FROM shipments WHERE shipments.order_id = orders.id);
