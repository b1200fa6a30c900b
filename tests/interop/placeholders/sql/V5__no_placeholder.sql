CREATE TABLE dollars AS SELECT '$name $ {name} {name} $$' AS x;
