CREATE TABLE shipments (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id  bigint NOT NULL REFERENCES orders,
    warehouse text NOT NULL REFERENCES warehouses,
    sent_at   timestamptz NOT NULL DEFAULT now(),
    UNIQUE (order_id, warehouse)
);

-- Delivered orders came from somewhere.
INSERT INTO shipments (order_id, warehouse, sent_at)
SELECT id, (ARRAY['ZRH', 'LYS', 'GDN'])[1 + id % 3], placed_at + interval '1 day'
FROM orders
WHERE status = 'delivered';
