CREATE INDEX "invocations_function_index" ON "invocations" USING btree ("module","name","seq");--> statement-breakpoint
-- Left behind by replays before these took them along: what has not ended has no outcome to deliver.
DELETE FROM "deliveries" WHERE "invocation_id" IN (SELECT "id" FROM "invocations" WHERE "state" IN ('queued', 'running', 'cancelled'));
