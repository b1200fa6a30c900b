INSERT INTO categories (name) VALUES ('Climbing'), ('Camping');

INSERT INTO categories (parent_id, name)
SELECT parent.id, child.name
FROM (VALUES
    ('Climbing', 'Ropes'),
    ('Climbing', 'Harnesses'),
    ('Climbing', 'Quickdraws'),
    ('Camping', 'Tents'),
    ('Camping', 'Stoves; lamps')
) AS child (parent, name)
JOIN categories AS parent ON parent.name = child.parent
ORDER BY child.name;

-- 2,000 products; a price is at least a quarter above the cost.
INSERT INTO products (sku, category_id, name, attributes, cost_cents, price_cents)
SELECT
    upper(left(category.name, 3)) || '-' || to_char(n, 'FM0000'),
    category.id,
    rtrim(category.name, 's') || ' no. ' || n,
    jsonb_build_object('grams', 50 + n % 900, 'colours', jsonb_build_array('red', 'blue')),
    1000 + (n * 37) % 9000,
    (1000 + (n * 37) % 9000) * (125 + n % 50) / 100
FROM generate_series(1, 2000) AS n
JOIN categories AS category ON category.id = 3 + n % 5
ORDER BY n;
