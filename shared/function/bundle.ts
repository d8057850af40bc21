/**
 * The bundle: the code that an agent runs. The control plane makes it once from an uploaded component and names it by
 * the SHA-256 of its bytes. Everything between them treats it as opaque bytes.
 *
 * Layout: a msgpack map of `bundleSchema`. The glue is the JavaScript that jco writes for the component in
 * instantiation mode: an ES module without imports, with one export, `instantiate`.
 */
import { createHash } from 'node:crypto';
import { pack } from 'msgpackr/pack';
import { unpack } from 'msgpackr/unpack';
import * as z from 'zod';
import { coreExportSchema, linkedPlanSchema, maxCores } from './linked-plan.ts';

/** The kind of export through which Skerry calls a function. */
export const worldSchema = z.enum([
  'skerry:function/handler',
  'wasi:http/incoming-handler',
  'wasi:cli/run',
  // The exports and imports of these worlds may be asynchronous.
  'wasi:cli/run@0.3',
  'wasi:http/handler@0.3',
  // FunLess's ABI of a core module. It is not a component, so its bundle has no glue.
  'funless',
]);
export type World = z.infer<typeof worldSchema>;

/** True for worlds of programs that read standard input and write standard output. */
export const isCommand = (world: World): boolean => world === 'wasi:cli/run' || world === 'wasi:cli/run@0.3';

/** True for worlds of functions that answer an HTTP request. */
export const isHttp = (world: World): boolean =>
  world === 'wasi:http/incoming-handler' || world === 'wasi:http/handler@0.3';

/** The worlds of WASI 0.3. */
export type AsyncWorld = Extract<World, `${string}@0.3`>;
export const isAsync = (world: World): world is AsyncWorld => world.endsWith('@0.3');

export const digestSchema = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in lower-case hex');

const bytesSchema = z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'must be bytes');

/**
 * How to run a `skerry:function/handler` without imports and without its glue: instantiate these modules in order, then
 * lift `invoke` with these canonical options. Strings are UTF-8.
 */
const directPlanSchema = z.object({
  instances: z
    .array(
      z.object({
        /** File name of the core module. */
        module: z.string(),
        /** The source of each import. `from` names an earlier instance. */
        imports: z.array(z.object({ module: z.string(), name: z.string(), from: coreExportSchema })),
      }),
    )
    .min(1)
    .max(maxCores),
  invoke: coreExportSchema,
  memory: coreExportSchema,
  realloc: coreExportSchema,
  postReturn: coreExportSchema.optional(),
  /**
   * Memories and globals that contain everything that a call can change, as long as no memory has grown. Present when
   * the control plane has proven that an instance with restored memories and globals equals a new one.
   */
  state: z.array(coreExportSchema).optional(),
  /**
   * The global that contains the slack of the memory (control-plane/prepare/reset/growth.ts). With it, an agent can
   * also restore a memory that has grown. Agents that do not know the field make a new instance instead.
   */
  slack: coreExportSchema.optional(),
});
export type DirectPlan = z.infer<typeof directPlanSchema>;

const bundleSchema = z.object({
  /** Raised when the layout changes in a way that older agents cannot run. */
  format: z.literal(1),
  world: worldSchema,
  /** Key of the function in the result of `instantiate`: `invoke`, or the function's interface with its version. */
  exportName: z.string(),
  /**
   * `suspending`: imports may wait through JSPI, and the export returns a promise. `plain`: the function never waits.
   */
  mode: z.enum(['plain', 'suspending']),
  glue: z.string(),
  /** Core modules by the file name under which the glue asks for them. They contain the maxima of their memories. */
  modules: z
    .array(z.object({ name: z.string(), bytes: bytesSchema }))
    .min(1)
    .max(maxCores),
  /**
   * Present when the bundle can run without its glue. Agents that do not know the field run the glue, which is slower.
   */
  direct: directPlanSchema.optional(),
  /** The same for a component with imports. */
  linked: linkedPlanSchema.optional(),
});
export type Bundle = z.infer<typeof bundleSchema>;

/** @returns the name of a component or bundle: its SHA-256 in lower-case hex */
export function computeDigest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The same bundle always gives the same bytes. */
export function encodeBundle(bundle: Bundle): Uint8Array {
  return pack(bundleSchema.parse(bundle));
}

/** @throws ZodError or Error when the bytes are no bundle of a format that this version knows */
export function decodeBundle(bytes: Uint8Array): Bundle {
  return bundleSchema.parse(unpack(bytes));
}
