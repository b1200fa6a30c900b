CREATE TABLE gift_cards (
    code          text PRIMARY KEY,
    bought_by     bigint REFERENCES customers,
    balance_cents integer NOT NULL CHECK (balance_cents >= 0)
);
