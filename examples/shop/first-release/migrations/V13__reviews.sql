CREATE DOMAIN stars AS smallint CHECK (VALUE BETWEEN 1 AND 5);

CREATE TABLE reviews (
    product_id  bigint NOT NULL REFERENCES products,
    customer_id bigint NOT NULL REFERENCES customers,
    stars       stars NOT NULL,
    words       text NOT NULL DEFAULT '',
    search      tsvector GENERATED ALWAYS AS (to_tsvector('english', words)) STORED,
    PRIMARY KEY (product_id, customer_id)
);

CREATE INDEX reviews_search_idx ON reviews USING gin (search);

INSERT INTO reviews (product_id, customer_id, stars, words)
SELECT 1 + n % 2000, n, 1 + n / 7 % 5, 'It''s ' || CASE WHEN n % 5 > 2 THEN 'worth; every cent' ELSE 'heavy "as a brick"' END
FROM generate_series(1, 5000) AS n;
