-- first line
CREATE TABLE bom_crlf (id int);
