CREATE TABLE crlf (
  id int
);
INSERT INTO crlf VALUES (1);
COMMENT ON TABLE crlf IS 'two
lines';
