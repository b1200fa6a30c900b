CREATE OR REPLACE VIEW crlf_view AS
  SELECT 'a
b' AS ab;
