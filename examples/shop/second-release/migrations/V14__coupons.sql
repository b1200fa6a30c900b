CREATE TABLE coupons (
    code        text PRIMARY KEY CHECK (code = upper(code)),
    percent_off integer NOT NULL CHECK (percent_off BETWEEN 1 AND 50),
    valid       daterange NOT NULL CHECK (NOT isempty(valid))
);

INSERT INTO coupons (code, percent_off, valid) VALUES
    ('SPRING', 10, '[2026-03-01,2026-06-01)'),
    ('WELCOME', 5, '[2026-01-01,)');
