CREATE TABLE "bundle_parts" (
	"digest" text NOT NULL,
	"part" integer NOT NULL,
	"bytes" "bytea" NOT NULL,
	CONSTRAINT "bundle_parts_digest_part_pk" PRIMARY KEY("digest","part")
);
--> statement-breakpoint
CREATE TABLE "component_parts" (
	"digest" text NOT NULL,
	"part" integer NOT NULL,
	"bytes" "bytea" NOT NULL,
	CONSTRAINT "component_parts_digest_part_pk" PRIMARY KEY("digest","part")
);
--> statement-breakpoint
ALTER TABLE "bundle_parts" ADD CONSTRAINT "bundle_parts_digest_bundles_digest_fk" FOREIGN KEY ("digest") REFERENCES "public"."bundles"("digest") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "component_parts" ADD CONSTRAINT "component_parts_digest_components_digest_fk" FOREIGN KEY ("digest") REFERENCES "public"."components"("digest") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
-- Parts of 256 KiB, as db/code.ts has them.
INSERT INTO "bundle_parts" SELECT "digest", "n", substring("bytes" FROM "n" * 262144 + 1 FOR 262144) FROM "bundles", generate_series(0, (length("bytes") - 1) / 262144) AS "n" WHERE length("bytes") > 0;--> statement-breakpoint
-- Parts of 256 KiB, as db/code.ts has them.
INSERT INTO "component_parts" SELECT "digest", "n", substring("bytes" FROM "n" * 262144 + 1 FOR 262144) FROM "components", generate_series(0, (length("bytes") - 1) / 262144) AS "n" WHERE length("bytes") > 0;--> statement-breakpoint
ALTER TABLE "bundles" DROP COLUMN "bytes";--> statement-breakpoint
ALTER TABLE "components" DROP COLUMN "bytes";