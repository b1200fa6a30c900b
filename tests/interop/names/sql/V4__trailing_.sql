CREATE TABLE trailing_blank (id int);
