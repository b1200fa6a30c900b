CREATE TABLE gift_card_uses (
    code         text NOT NULL REFERENCES gift_cards,
    order_id     bigint NOT NULL REFERENCES orders,
    amount_cents integer NOT NULL CHECK (amount_cents > 0),
    PRIMARY KEY (code, order_id)
);

INSERT INTO gift_cards (code, bought_by, balance_cents)
SELECT 'GIFT-' || id, id, 5000 FROM customers WHERE id <= 500;
