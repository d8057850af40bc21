/**
 * The manifest: a revision's declaration of how its function runs. A stored manifest never changes. Absent keys take
 * their defaults.
 */
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
 * Maximum size of a function's environment, in bytes as JSON, and the same for its arguments and its configuration.
 * They travel in every agent's desired state. Larger data belongs in files.
 */
const maxSettingsBytes = 64 * 1024;
const settingsFit = (settings: object) => Buffer.byteLength(JSON.stringify(settings)) <= maxSettingsBytes;

/** The limits that agents of every protocol version know. */
export const coreLimitsSchema = z.strictObject({
  /** Maximum size of each linear memory of the component, in bytes. Rounded down to wasm pages of 64 KiB. */
  memory_bytes: z
    .int()
    .min(16 * pageBytes)
    .max(limitCeilings.memoryBytes)
    .default(64 * MiB),
  /** Maximum wall-clock time of one invocation, including the wait for code and for a thread. FunLess: 60 s. */
  timeout_ms: z.int().min(1).max(limitCeilings.timeoutMs).default(60_000),
  input_bytes: z.int().min(0).max(limitCeilings.inputBytes).default(MiB),
  output_bytes: z.int().min(0).max(limitCeilings.outputBytes).default(MiB),
});

const moreLimits = {
  /**
   * Maximum size of a streamed body in each direction. Only wasi:http functions stream. `input_bytes` limits whole
   * inputs.
   */
  body_bytes: z
    .int()
    .min(0)
    .max(limitCeilings.bodyBytes)
    .default(4 * GiB),
  /** Maximum log output. The agent drops and counts lines beyond it. */
  log_bytes_per_second: z
    .int()
    .min(0)
    .max(limitCeilings.logBytesPerSecond)
    .default(16 * KiB),
  /** Maximum number of concurrent invocations on one agent. The next one gets `agent_busy`. */
  concurrency: z.int().min(1).max(limitCeilings.concurrency).default(limitCeilings.concurrency),
  /**
   * Maximum size of the function's keys and values in wasi:keyvalue on one agent. 0: the function may store nothing.
   */
  keyvalue_bytes: z.int().min(0).max(limitCeilings.keyvalueBytes).default(MiB),
};

const limitsSchema = coreLimitsSchema.extend(moreLimits).prefault({});

/**
 * A destination to which a function may send HTTP requests: `host`, `host:port` or `host:*`. The host is a name, an
 * IPv4 address, an IPv6 address in brackets, or `*`. `*.` before a name stands for all names below it. Without a port,
 * the ports 80 and 443 are allowed.
 */
export const outboundSchema = z
  .string()
  .max(300)
  .regex(/^(?:\*|(?:\*\.)?[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\])(?::(?:\*|[0-9]{1,5}))?$/, {
    error: 'must be host, host:port or host:*',
    abort: true,
  })
  .refine(isPossibleDestination, 'must have a port from 1 to 65535, and a valid name or address');

/** False for a pattern that can never match a request. Users learn of it now, and not when a request is refused. */
function isPossibleDestination(pattern: string): boolean {
  const [, host = '', port] = /^(\[.*\]|[^:]*)(?::(.*))?$/.exec(pattern) ?? [];
  if (port !== undefined && port !== '*' && !(Number(port) >= 1 && Number(port) <= 65_535)) return false;
  if (host.startsWith('[')) return URL.canParse(`http://${host}`);
  // URL parsers read a name of numbers as an IPv4 address, and no name lies below an address.
  return /^(?:\*\.)?[0-9.]+$/.test(host) ? z.ipv4().safeParse(host).success : !host.includes('..');
}

/** Networks that a name may resolve into only when they are declared: a name alone never opens the device's network. */
const networkSchema = z.enum(['loopback', 'link-local', 'metadata', 'lan']);
export type Network = z.infer<typeof networkSchema>;

const absolutePath = textSchema(1024).regex(/^(?!.*\/\.{1,2}(?:\/|$))\//, 'must be an absolute path without . or ..');

/** A directory of the device that the function can use. The agent must offer it as well (SKERRY_DIRECTORIES). */
const directorySchema = z.strictObject({
  /** Absolute path on the device. */
  host: absolutePath,
  /** Absolute path for the function. */
  guest: absolutePath,
  mode: z.enum(['ro', 'rw']).default('ro'),
});
export type DirectoryGrant = z.output<typeof directorySchema>;

/** `/data` and `/data//` are the same path. */
function haveDistinctGuestPaths(directories: readonly DirectoryGrant[]): boolean {
  const guests = directories.map(({ guest }) => guest.split('/').filter(Boolean).join('/'));
  return new Set(guests).size === guests.length;
}

/** Capabilities of a function beyond computing. None by default. */
const capabilitiesSchema = z
  .strictObject({
    http: z.array(outboundSchema).max(64).default([]),
    networks: z.array(networkSchema).max(4).default([]),
    directories: z
      .array(directorySchema)
      .max(16)
      .refine(haveDistinctGuestPaths, 'must each have a guest path of their own')
      .default([]),
  })
  .prefault({});

/** Values for wasi:config. */
const configSchema = z
  .record(textSchema(256), textSchema(32_768))
  .refine((config) => Object.keys(config).length <= 128, 'must have at most 128 values')
  .refine(settingsFit, 'must have at most 64 KiB in all')
  .default({});

/** Everything that a function gets beyond the core limits, environment and arguments. */
export const grantsSchema = z
  .object({ ...capabilitiesSchema.unwrap().shape, ...moreLimits, config: configSchema })
  .prefault({});
export type Grants = z.output<typeof grantsSchema>;

export const manifestSchema = z
  .strictObject({
    limits: limitsSchema,
    /** Environment variables of the function. It sees no others of the device. */
    env: z
      .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,255}$/), textSchema(32_768))
      .refine((env) => Object.keys(env).length <= 128, 'must have at most 128 variables')
      .refine(settingsFit, 'must have at most 64 KiB in all')
      .default({}),
    /** Arguments after the program name, for command worlds. */
    args: z.array(textSchema(4096)).max(64).refine(settingsFit, 'must have at most 64 KiB in all').default([]),
    capabilities: capabilitiesSchema,
    /** Values that the function reads through wasi:config. */
    config: configSchema,
    /**
     * `fresh`: a new instance per invocation. `reuse`: an instance serves until it traps, and keeps state on purpose.
     */
    instance: z.enum(['fresh', 'reuse']).default('fresh'),
    /**
     * Retry policy of invocations without a waiting caller: asynchronous ones and those of triggers. A failure of the
     * function costs an attempt. A missing agent or runner costs none.
     */
    retry: retrySchema(3),
    /** The agents with all of these labels hold the function. No labels: every agent holds it. */
    placement: z.strictObject({ labels: labelsSchema.default({}) }).prefault({}),
    /** Tag that an APP script may refer to (FunLess `metadata.tag`). */
    tag: textSchema(160).default(''),
    /**
     * Memory that the scheduler reserves for one invocation, in bytes (FunLess `metadata.capacity`, there in KB).
     * Absent: the initial memory of the component's modules.
     */
    capacity_bytes: z.int().min(0).optional(),
  })
  .prefault({});

/** A complete manifest, all defaults filled in. */
export type Manifest = z.output<typeof manifestSchema>;
/** A manifest as a user writes it. */
export type ManifestInput = z.input<typeof manifestSchema>;

/** @returns the part of the manifest that an agent of protocol 2 gets as `grants` */
export function selectGrants({ capabilities, config, limits }: Manifest): Grants {
  const { body_bytes, log_bytes_per_second, concurrency, keyvalue_bytes } = limits;
  return { ...capabilities, config, body_bytes, log_bytes_per_second, concurrency, keyvalue_bytes };
}

/** @returns the limits that agents of every protocol version know */
export function selectCoreLimits({ limits }: Manifest): z.output<typeof coreLimitsSchema> {
  const { memory_bytes, timeout_ms, input_bytes, output_bytes } = limits;
  return { memory_bytes, timeout_ms, input_bytes, output_bytes };
}
