CREATE TABLE strings (a text);
INSERT INTO strings VALUES ('it''s; here'), (E'back\\slash; \'quoted\''), (U&'\0061;'), ('C:\dir\'), ('/* no comment */'), ('-- neither');
INSERT INTO strings VALUES ('two'
' parts;'), ($$dollar $ ; $$);
CREATE TABLE "semi;colon ""quoted"" $$" ("a;b" text DEFAULT ';');
CREATE TABLE dollar$name (a$b int);
