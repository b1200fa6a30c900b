CREATE TABLE categories (
    id        integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    parent_id integer REFERENCES categories,
    name      text NOT NULL UNIQUE
);

-- Money is whole cents: no rounding, ever.
CREATE TABLE products (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sku         text NOT NULL UNIQUE CHECK (sku ~ '^[A-Z]{3}-[0-9]{4}$'),
    category_id integer NOT NULL REFERENCES categories,
    name        text NOT NULL,
    attributes  jsonb NOT NULL DEFAULT '{}',
    cost_cents  integer NOT NULL CHECK (cost_cents > 0),
    price_cents integer NOT NULL CHECK (price_cents > 0),
    CONSTRAINT products_name_not_blank CHECK (btrim(name) <> '')
);

CREATE INDEX products_category_id_idx ON products (category_id);
