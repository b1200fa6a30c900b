CREATE TABLE warehouses (
    code text PRIMARY KEY,
    city text NOT NULL
);

CREATE TABLE stock (
    warehouse text NOT NULL REFERENCES warehouses,
    product_id bigint NOT NULL REFERENCES products,
    on_hand   integer NOT NULL DEFAULT 0 CHECK (on_hand >= 0),
    PRIMARY KEY (warehouse, product_id)
);

INSERT INTO warehouses (code, city) VALUES
    ('ZRH', 'Zürich'),
    ('LYS', 'Lyon'),
    ('GDN', 'Gdańsk');
