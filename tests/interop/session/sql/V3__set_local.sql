SET LOCAL search_path TO pg_catalog;
CREATE TABLE public.three (id int);
