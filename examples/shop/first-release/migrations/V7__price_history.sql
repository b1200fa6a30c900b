CREATE TABLE price_history (
    product_id bigint NOT NULL REFERENCES products,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    old_cents  integer NOT NULL,
    new_cents  integer NOT NULL
);

CREATE INDEX price_history_product_id_idx ON price_history (product_id, changed_at);

CREATE FUNCTION remember_price() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO price_history (product_id, old_cents, new_cents)
    VALUES (NEW.id, OLD.price_cents, NEW.price_cents);
    RETURN NEW;
END;
$$;

CREATE TRIGGER products_remember_price
    AFTER UPDATE OF price_cents ON products
    FOR EACH ROW
    WHEN (OLD.price_cents IS DISTINCT FROM NEW.price_cents)
    EXECUTE FUNCTION remember_price();
