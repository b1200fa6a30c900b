CREATE TABLE here (id int);
CREATE TABLE "Other".there (id int);
