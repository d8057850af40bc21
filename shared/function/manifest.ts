/** What a revision declares about how its function runs. Immutable once stored; absent keys take their defaults. */
import * as z from 'zod';
import { limitCeilings } from './limit-ceilings.ts';
import { labelsSchema, textSchema } from './names.ts';
import { retrySchema } from './retry.ts';

const KiB = 1024;
const MiB = 1024 * 1024;
const GiB = 1024 * MiB;

export { limitCeilings };

const pageBytes = 65_536;

/**
 * Bytes that the environment of one function may have, and its arguments likewise. They travel in every agent's
 * desired state; files are a better place for more.
 */
const maxSettingsBytes = 64 * 1024;
const settingsFit = (settings: object) => Buffer.byteLength(JSON.stringify(settings)) <= maxSettingsBytes;

/** Limits that agents of every protocol version know. */
export const coreLimitsSchema = z.strictObject({
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
});

const moreLimits = {
  /** Bytes of a streamed body, each way. Only wasi:http functions stream; `input_bytes` is for what is held whole. */
  body_bytes: z
    .int()
    .min(0)
    .max(limitCeilings.bodyBytes)
    .default(4 * GiB),
  /** What the function may log; lines beyond it are dropped and counted. */
  log_bytes_per_second: z
    .int()
    .min(0)
    .max(limitCeilings.logBytesPerSecond)
    .default(16 * KiB),
  /** Invocations at one time on one agent; one more is answered with `agent_busy`. */
  concurrency: z.int().min(1).max(limitCeilings.concurrency).default(limitCeilings.concurrency),
  /** What the function may keep in wasi:keyvalue on one agent, keys and values; 0: nothing. */
  keyvalue_bytes: z.int().min(0).max(limitCeilings.keyvalueBytes).default(MiB),
};

export const limitsSchema = coreLimitsSchema.extend(moreLimits).prefault({});

/**
 * Where a function may send HTTP requests: `host`, `host:port` or `host:*`. The host is a name, `*.` and a name for
 * all names below it, an IPv4 address, an IPv6 address in brackets, or `*`. Without a port: 80 and 443.
 */
export const outboundSchema = z
  .string()
  .max(300)
  .regex(/^(?:\*|(?:\*\.)?[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\])(?::(?:\*|[0-9]{1,5}))?$/, {
    error: 'must be host, host:port or host:*',
    abort: true,
  })
  .refine(isPlace, 'must have a port from 1 to 65535, and an address or a name that there can be');

/** False for what has the form of a place and yet could never match: better told now than a request refused later. */
function isPlace(pattern: string): boolean {
  const [, host = '', port] = /^(\[.*\]|[^:]*)(?::(.*))?$/.exec(pattern) ?? [];
  if (port !== undefined && port !== '*' && !(Number(port) >= 1 && Number(port) <= 65_535)) return false;
  if (host.startsWith('[')) return URL.canParse(`http://${host}`);
  // A name whose labels are all numbers would be read as an IPv4 address, and there is nothing below an address.
  return /^(?:\*\.)?[0-9.]+$/.test(host) ? z.ipv4().safeParse(host).success : !host.includes('..');
}

/** Networks that a name may lead into only when this is declared: a name alone never opens the device's own network. */
export const networkSchema = z.enum(['loopback', 'link-local', 'metadata', 'lan']);
export type Network = z.infer<typeof networkSchema>;

const absolutePath = textSchema(1024).regex(/^(?!.*\/\.{1,2}(?:\/|$))\//, 'must be an absolute path without . or ..');

/** A directory of the device that the function sees. The agent must offer it as well (SKERRY_DIRECTORIES). */
export const directorySchema = z.strictObject({
  /** Absolute path on the device. */
  host: absolutePath,
  /** Absolute path that the function sees. */
  guest: absolutePath,
  mode: z.enum(['ro', 'rw']).default('ro'),
});
export type Directory = z.output<typeof directorySchema>;

/** `/data` and `/data//` are one path. */
function haveOwnPlaces(directories: readonly Directory[]): boolean {
  const guests = directories.map(({ guest }) => guest.split('/').filter(Boolean).join('/'));
  return new Set(guests).size === guests.length;
}

/** What a function may do besides computing. Nothing by default. */
export const capabilitiesSchema = z
  .strictObject({
    http: z.array(outboundSchema).max(64).default([]),
    networks: z.array(networkSchema).max(4).default([]),
    directories: z
      .array(directorySchema)
      .max(16)
      .refine(haveOwnPlaces, 'must each have a guest path of their own')
      .default([]),
  })
  .prefault({});

/** Values for wasi:config. */
const configSchema = z
  .record(textSchema(256), textSchema(32_768))
  .refine((config) => Object.keys(config).length <= 128, 'must have at most 128 values')
  .refine(settingsFit, 'must have at most 64 KiB in all')
  .default({});

/** Everything that is granted to a function beyond the core limits, environment and arguments. */
export const grantsSchema = z
  .object({ ...capabilitiesSchema.unwrap().shape, ...moreLimits, config: configSchema })
  .prefault({});
export type Grants = z.output<typeof grantsSchema>;

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
    /** What it may do besides computing. */
    capabilities: capabilitiesSchema,
    /** Values that it reads through wasi:config. */
    config: configSchema,
    /** `fresh`: a new instance per invocation. `reuse`: an instance serves until it traps; state leaks on purpose. */
    instance: z.enum(['fresh', 'reuse']).default('fresh'),
    /**
     * For invocations nobody waits for: asynchronous ones and those of triggers. A failure of the function costs an
     * attempt; an agent or a runner that is not there does not.
     */
    retry: retrySchema(3),
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

/** The manifest's part that an agent of protocol 2 gets as `grants`. */
export function selectGrants({ capabilities, config, limits }: Manifest): Grants {
  const { body_bytes, log_bytes_per_second, concurrency, keyvalue_bytes } = limits;
  return { ...capabilities, config, body_bytes, log_bytes_per_second, concurrency, keyvalue_bytes };
}

/** The limits that agents of every version know. */
export function selectCoreLimits({ limits }: Manifest): z.output<typeof coreLimitsSchema> {
  const { memory_bytes, timeout_ms, input_bytes, output_bytes } = limits;
  return { memory_bytes, timeout_ms, input_bytes, output_bytes };
}
