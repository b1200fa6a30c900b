-- No boolean comes first, so that being able to run is all that is asked.
SELECT id, total FROM open_orders LIMIT 1;
SELECT id, stars FROM product_ratings LIMIT 1;
SELECT month, revenue_cents FROM sales_by_month LIMIT 1;
