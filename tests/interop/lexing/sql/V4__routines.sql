CREATE TABLE log (id int GENERATED ALWAYS AS IDENTITY, what text);
CREATE PROCEDURE note(what text) LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log (what) VALUES (note.what); END; $$;
CALL note('called');
CREATE FUNCTION on_change() RETURNS trigger LANGUAGE plpgsql AS $f$
BEGIN
    CASE WHEN TG_OP = 'INSERT' THEN NEW.what := NEW.what || ';'; ELSE NULL; END CASE;
    RETURN NEW;
END;
$f$;
CREATE TRIGGER changed BEFORE INSERT ON log FOR EACH ROW EXECUTE FUNCTION on_change();
INSERT INTO log (what) VALUES ('triggered');
CREATE RULE two AS ON DELETE TO log DO ALSO (INSERT INTO log (what) VALUES ('gone'); INSERT INTO log (what) VALUES ('again'));
