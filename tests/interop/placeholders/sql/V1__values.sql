CREATE TABLE ${name} ("${NAME}" text DEFAULT '${price}', n numeric DEFAULT ${Price});
INSERT INTO ${name} VALUES ('${dollar}{name}${empty}'); -- ${name}
