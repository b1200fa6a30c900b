-- Changes every product, and a trigger remembers each change: all of it must be gone again.
UPDATE products SET price_cents = price_cents * 103 / 100;
