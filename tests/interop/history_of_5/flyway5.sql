-- As Flyway 5 made it.
CREATE TABLE "flyway_schema_history" (
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
ALTER TABLE "flyway_schema_history" ADD CONSTRAINT "flyway_schema_history_pk" PRIMARY KEY ("installed_rank");
CREATE INDEX "flyway_schema_history_s_idx" ON "flyway_schema_history" ("success");
CREATE TABLE t1 (id int PRIMARY KEY);
CREATE TABLE t2 (id int PRIMARY KEY);
INSERT INTO "flyway_schema_history" VALUES
    (1, '1', '<< Flyway Baseline >>', 'BASELINE', '<< Flyway Baseline >>', NULL, 'old', '2018-03-01', 0, true),
    (2, '2', 'two', 'SQL', 'V2__two.sql', 1508056758, 'old', '2018-03-01', 5, true),
    (3, '3', 'code', 'SPRING_JDBC', 'db.V3__code', NULL, 'old', '2018-03-02', 5, true),
    (4, '4', 'more', 'JDBC', 'db.V4__more', 12, 'old', '2018-03-02', 5, true);
