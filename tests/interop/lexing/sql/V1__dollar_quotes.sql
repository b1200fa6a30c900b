CREATE FUNCTION semicolons() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    -- it's; odd
    RETURN 'a;b' || $q$;' ;$q$;
END;
$$;
CREATE FUNCTION tagged(int, int) RETURNS int LANGUAGE sql AS $body_1$ SELECT $1 + $2; $body_1$;
CREATE FUNCTION quoted(int) RETURNS int LANGUAGE sql AS 'SELECT $1; ';
DO $do$
BEGIN
    EXECUTE $x$CREATE TABLE by_do (id int);$x$;
END
$do$;
