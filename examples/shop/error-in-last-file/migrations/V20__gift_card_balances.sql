CREATE INDEX gift_cards_bought_by_idx ON gift_cards (bought_by);

-- The column is called balance_cents.
CREATE VIEW gift_card_balances AS
SELECT
    code,
    in_francs(gift_cards.balance) AS balance
FROM gift_cards;
