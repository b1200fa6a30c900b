CREATE TABLE "Größe" ("été; --" text);
INSERT INTO "Größe" VALUES ('日本語    end');
