CREATE TABLE here (id int);
CREATE TABLE public.there (id int);
