SET search_path TO pg_catalog;
CREATE TABLE public.one (id int);
