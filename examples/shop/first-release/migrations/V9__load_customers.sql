-- 20,000 customers. Every fourth gave a phone number.
INSERT INTO customers (email, full_name, phone, created_at)
SELECT
    'climber' || n || '@example.com',
    'Climber No. ' || n,
    CASE WHEN n % 4 = 0 THEN '+41 44 ' || to_char(n % 4900, 'FM000 00') END,
    timestamptz '2024-01-01 08:00:00+00' + n * interval '37 minutes'
FROM generate_series(1, 20000) AS n;
