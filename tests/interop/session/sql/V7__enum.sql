CREATE TYPE mood AS ENUM ('sad');
CREATE TABLE person (mood mood);
