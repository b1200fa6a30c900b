CREATE TABLE atomic (a int);
CREATE FUNCTION add_both(x int) RETURNS int LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO atomic VALUES (x);
    INSERT INTO atomic VALUES (x + 1);
    SELECT x;
END;
SELECT add_both(1);
