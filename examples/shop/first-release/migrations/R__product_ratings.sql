CREATE OR REPLACE VIEW product_ratings AS
SELECT
    products.id,
    products.name,
    count(reviews.stars) AS reviews,
    round(avg(reviews.stars), 1) AS stars
FROM products
LEFT JOIN reviews ON reviews.product_id = products.id
GROUP BY products.id;
