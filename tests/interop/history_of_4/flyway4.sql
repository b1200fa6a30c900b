-- As Flyway 4 made it.
CREATE TABLE "schema_version" (
    "installed_rank" INT NOT NULL,
    "version" VARCHAR(50),
    "description" VARCHAR(200) NOT NULL,
    "type" VARCHAR(20) NOT NULL,
    "script" VARCHAR(1000) NOT NULL,
    "checksum" INTEGER,
    "installed_by" VARCHAR(100) NOT NULL,
    "installed_on" TIMESTAMP NOT NULL DEFAULT now(),
    "execution_time" INTEGER NOT NULL,
    "success" BOOLEAN NOT NULL
);
ALTER TABLE "schema_version" ADD CONSTRAINT "schema_version_pk" PRIMARY KEY ("installed_rank");
CREATE INDEX "schema_version_s_idx" ON "schema_version" ("success");
CREATE TABLE t1 (id int PRIMARY KEY);
INSERT INTO "schema_version" VALUES
    (1, '1', 'one', 'SQL', 'V1__one.sql', 788932491, 'old', '2016-03-01', 5, true);
