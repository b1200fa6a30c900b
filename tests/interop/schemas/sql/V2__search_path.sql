SET search_path TO "Other";
CREATE TABLE elsewhere (id int);
