CREATE TABLE "deliveries" (
	"seq" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "deliveries_seq_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"sink_id" uuid NOT NULL,
	"invocation_id" uuid NOT NULL,
	"dead" boolean DEFAULT false NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"next_at" timestamp with time zone DEFAULT now() NOT NULL,
	"error" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "former_triggers" (
	"id" uuid PRIMARY KEY NOT NULL,
	"function_id" uuid NOT NULL,
	"module" text NOT NULL,
	"name" text NOT NULL,
	"ended_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "invocations" (
	"id" uuid PRIMARY KEY NOT NULL,
	"seq" bigint GENERATED ALWAYS AS IDENTITY (sequence name "invocations_seq_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"function_id" uuid NOT NULL,
	"module" text NOT NULL,
	"name" text NOT NULL,
	"origin" text NOT NULL,
	"trigger_id" uuid,
	"state" text NOT NULL,
	"revision" integer DEFAULT 0 NOT NULL,
	"agent" text,
	"attempts" integer DEFAULT 0 NOT NULL,
	"input" "bytea",
	"http" jsonb,
	"output" "bytea",
	"error_code" text,
	"error_message" text,
	"only_agent" text,
	"traceparent" text,
	"callback_url" text,
	"callback_delivered" boolean,
	"idempotency_key" text,
	"idempotency_digest" text,
	"created_by" text,
	"created_at" timestamp with time zone NOT NULL,
	"started_at" timestamp with time zone,
	"ended_at" timestamp with time zone,
	"recorded_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "leases" (
	"name" text PRIMARY KEY NOT NULL,
	"holder" uuid NOT NULL,
	"until" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sealing_keys" (
	"id" integer PRIMARY KEY NOT NULL,
	"fingerprint" "bytea" NOT NULL,
	CONSTRAINT "sealing_keys_one_row" CHECK ("sealing_keys"."id" = 1)
);
--> statement-breakpoint
CREATE TABLE "secrets" (
	"name" text PRIMARY KEY NOT NULL,
	"sealed" "bytea" NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sinks" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"function_id" uuid NOT NULL,
	"spec" jsonb NOT NULL,
	"sealed" "bytea",
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"delivered" bigint DEFAULT 0 NOT NULL,
	"last_delivered_at" timestamp with time zone,
	"error" text,
	"failures" integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "trigger_counts" (
	"trigger_id" uuid PRIMARY KEY NOT NULL,
	"run" bigint DEFAULT 0 NOT NULL,
	"failed" bigint DEFAULT 0 NOT NULL,
	"received" bigint DEFAULT 0 NOT NULL,
	"dropped" bigint DEFAULT 0 NOT NULL,
	"last_message_at" timestamp with time zone,
	"last_tick_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "triggers" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"function_id" uuid NOT NULL,
	"spec" jsonb NOT NULL,
	"sealed" "bytea",
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "deliveries" ADD CONSTRAINT "deliveries_sink_id_sinks_id_fk" FOREIGN KEY ("sink_id") REFERENCES "public"."sinks"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "deliveries" ADD CONSTRAINT "deliveries_invocation_id_invocations_id_fk" FOREIGN KEY ("invocation_id") REFERENCES "public"."invocations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sinks" ADD CONSTRAINT "sinks_function_id_functions_id_fk" FOREIGN KEY ("function_id") REFERENCES "public"."functions"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "trigger_counts" ADD CONSTRAINT "trigger_counts_trigger_id_triggers_id_fk" FOREIGN KEY ("trigger_id") REFERENCES "public"."triggers"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "triggers" ADD CONSTRAINT "triggers_function_id_functions_id_fk" FOREIGN KEY ("function_id") REFERENCES "public"."functions"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "deliveries_sink_invocation_unique" ON "deliveries" USING btree ("sink_id","invocation_id");--> statement-breakpoint
CREATE INDEX "deliveries_sink_index" ON "deliveries" USING btree ("sink_id","dead","seq");--> statement-breakpoint
CREATE INDEX "deliveries_invocation_index" ON "deliveries" USING btree ("invocation_id");--> statement-breakpoint
CREATE UNIQUE INDEX "invocations_seq_unique" ON "invocations" USING btree ("seq");--> statement-breakpoint
CREATE INDEX "invocations_recorded_index" ON "invocations" USING btree ("recorded_at");--> statement-breakpoint
CREATE INDEX "invocations_trigger_index" ON "invocations" USING btree ("trigger_id","state","seq");--> statement-breakpoint
CREATE INDEX "invocations_state_index" ON "invocations" USING btree ("state","created_at");--> statement-breakpoint
CREATE UNIQUE INDEX "invocations_idempotency_unique" ON "invocations" USING btree ("function_id","created_by","idempotency_key") WHERE "invocations"."idempotency_key" is not null;--> statement-breakpoint
CREATE INDEX "sinks_function_index" ON "sinks" USING btree ("function_id");--> statement-breakpoint
CREATE INDEX "triggers_function_index" ON "triggers" USING btree ("function_id");