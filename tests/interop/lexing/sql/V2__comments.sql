/* outer /* inner; */ ; still outer */
CREATE TABLE comments (id int); -- ; not a statement; it's
/* ' */ INSERT INTO comments VALUES (1); /* " */
-- ' ; $$
INSERT INTO comments /* ; */ VALUES /* /* ; */ */ (2);
