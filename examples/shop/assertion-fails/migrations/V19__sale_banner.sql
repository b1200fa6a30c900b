CREATE TABLE banners (
    id   integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    text text NOT NULL
);

INSERT INTO banners (text) VALUES ('−30 % on everything');
