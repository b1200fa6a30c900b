ALTER TABLE orders
    ADD COLUMN coupon_code text REFERENCES coupons,
    ADD COLUMN percent_off integer NOT NULL DEFAULT 0 CHECK (percent_off BETWEEN 0 AND 50);

CREATE OR REPLACE FUNCTION order_total(wanted bigint) RETURNS bigint
LANGUAGE sql STABLE
AS $$
    SELECT sum(line.quantity::bigint * line.price_cents) * (100 - min(orders.percent_off)) / 100
    FROM order_lines AS line
    JOIN orders ON orders.id = line.order_id
    WHERE line.order_id = wanted;
$$;
