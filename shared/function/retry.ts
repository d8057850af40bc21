/** How often something is tried again, and how long it rests in between: the same words in manifests and in sinks. */
import * as z from 'zod';

/** @param attempts how often something is tried in all when nobody says */
export const retrySchema = (attempts: number) =>
  z
    .strictObject({
      /** How often it is tried in all; 1: once. */
      attempts: z.int().min(1).max(1_000).default(attempts),
      /** Upper bound of the first rest, in milliseconds; each further one is up to twice as long (see backoff.ts). */
      base_ms: z.int().min(10).max(3_600_000).default(1_000),
      /** Upper bound of every rest, in milliseconds. */
      cap_ms: z.int().min(10).max(86_400_000).default(60_000),
    })
    .prefault({});

/** A complete policy, all defaults filled in. */
export type Retry = z.output<ReturnType<typeof retrySchema>>;
