-- Nothing is sold below what it cost us.
SELECT count(*) = 0 AS prices_cover_costs, count(*) AS below_cost, min(sku) AS for_example
FROM products
WHERE price_cents < cost_cents;
