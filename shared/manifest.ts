/** What a revision declares about how its function runs. Immutable once stored; absent keys take their defaults. */
import * as z from 'zod';
import { labelsSchema, textSchema } from './names.ts';

const MiB = 1024 * 1024;

/** Hard ceilings and defaults of a function's limits. Bytes and milliseconds. */
export const limitCeilings = {
  memoryBytes: 1024 * MiB,
  timeoutMs: 600_000,
  /** Input and output ride in one frame each; see `maxFrameBytes` in protocol.ts. */
  inputBytes: 4 * MiB,
  outputBytes: 4 * MiB,
} as const;

const pageBytes = 65_536;

/**
 * Bytes that the environment of one function may have, and its arguments likewise. They travel in every agent's
 * desired state; files are a better place for more.
 */
const maxSettingsBytes = 64 * 1024;
const settingsFit = (settings: object) => Buffer.byteLength(JSON.stringify(settings)) <= maxSettingsBytes;

export const limitsSchema = z
  .strictObject({
    /** Maximum of each linear memory of the component, in bytes; rounded down to wasm pages of 64 KiB. */
    memory_bytes: z
      .int()
      .min(16 * pageBytes)
      .max(limitCeilings.memoryBytes)
      .default(64 * MiB),
    /** Wall-clock time of one invocation, waiting for code and for a thread included. FunLess: 60 s. */
    timeout_ms: z.int().min(1).max(limitCeilings.timeoutMs).default(60_000),
    input_bytes: z.int().min(0).max(limitCeilings.inputBytes).default(MiB),
    output_bytes: z.int().min(0).max(limitCeilings.outputBytes).default(MiB),
  })
  .prefault({});

export const manifestSchema = z
  .strictObject({
    limits: limitsSchema,
    /** Environment of the function; nothing else of the device's environment is visible. */
    env: z
      .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,255}$/), textSchema(32_768))
      .refine((env) => Object.keys(env).length <= 128, 'must have at most 128 variables')
      .refine(settingsFit, 'must have at most 64 KiB in all')
      .default({}),
    /** Arguments after the program name, for the command worlds. */
    args: z.array(textSchema(4096)).max(64).refine(settingsFit, 'must have at most 64 KiB in all').default([]),
    /** `fresh`: a new instance per invocation. `reuse`: an instance serves until it traps; state leaks on purpose. */
    instance: z.enum(['fresh', 'reuse']).default('fresh'),
    /** Agents that shall hold the function: those with all of these labels; none means every agent. */
    placement: z.strictObject({ labels: labelsSchema.default({}) }).prefault({}),
    /** Tag that an APP script may refer to (FunLess `metadata.tag`). */
    tag: textSchema(160).default(''),
    /**
     * Memory that the scheduler reserves for one invocation, in bytes (FunLess `metadata.capacity`, there in KB).
     * Absent: the memory that the component's own modules start with.
     */
    capacity_bytes: z.int().min(0).optional(),
  })
  .prefault({});

/** A complete manifest, all defaults filled in. */
export type Manifest = z.output<typeof manifestSchema>;
/** A manifest as a user writes it. */
export type ManifestInput = z.input<typeof manifestSchema>;
