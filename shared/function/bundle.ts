/**
 * The bundle: what an agent runs. Made once by the control plane from an uploaded component, named by the SHA-256
 * of its bytes, opaque on the way.
 *
 * Layout: msgpack map of `bundleSchema`. The glue is the JavaScript that jco wrote for the component, in
 * instantiation mode (an ES module with one export, `instantiate`), and holds no imports of its own.
 */
import { createHash } from 'node:crypto';
import { pack } from 'msgpackr/pack';
import { unpack } from 'msgpackr/unpack';
import * as z from 'zod';
import { coreExportSchema, linkedPlanSchema, maxCores } from './linked-plan.ts';

/** What a component exports, as far as Skerry can call it. */
export const worldSchema = z.enum([
  'skerry:function/handler',
  'wasi:http/incoming-handler',
  'wasi:cli/run',
  // Their functions may be asynchronous, and so may those that they import.
  'wasi:cli/run@0.3',
  'wasi:http/handler@0.3',
  // FunLess's core-module ABI; not a component, so its bundle has no glue.
  'funless',
]);
export type World = z.infer<typeof worldSchema>;

/** True for programs that read standard input and write standard output. */
export const isCommand = (world: World): boolean => world === 'wasi:cli/run' || world === 'wasi:cli/run@0.3';

/** True for functions that take an HTTP request and answer it. */
export const isHttp = (world: World): boolean =>
  world === 'wasi:http/incoming-handler' || world === 'wasi:http/handler@0.3';

/** The worlds of WASI 0.3. */
export type AsyncWorld = Extract<World, `${string}@0.3`>;
export const isAsync = (world: World): world is AsyncWorld => world.endsWith('@0.3');

export const digestSchema = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in lower-case hex');

const bytesSchema = z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'must be bytes');

/**
 * How to run a `skerry:function/handler` that imports nothing without its glue: instantiate these in order, then lift
 * `invoke` with these canonical options. Strings are UTF-8.
 */
const directPlanSchema = z.object({
  instances: z
    .array(
      z.object({
        /** File name of the core module. */
        module: z.string(),
        /** What each import is; `from` is an instance before this one. */
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
   * Memories and globals that hold everything that a call can change, as long as no memory has grown. Present when the
   * control plane has proven it: an instance in which they are put back cannot be told from a new one.
   */
  state: z.array(coreExportSchema).optional(),
  /**
   * The global that holds the slack of the memory (control-plane/prepare/reset/growth.ts): where there is one, a memory that
   * has grown can be put back as well. Agents that do not know it make a new instance instead.
   */
  slack: coreExportSchema.optional(),
});
export type DirectPlan = z.infer<typeof directPlanSchema>;

export const bundleSchema = z.object({
  /** Raised when the layout changes in a way that older agents cannot run. */
  format: z.literal(1),
  world: worldSchema,
  /** Name under which `instantiate`'s result holds the function: `invoke`, or the name of the interface that has it, with its version. */
  exportName: z.string(),
  /** `suspending`: imports may wait, through JSPI, and the export returns a promise. `plain`: it never waits. */
  mode: z.enum(['plain', 'suspending']),
  glue: z.string(),
  /** Core modules by the file name under which the glue asks for them; memory maxima are already written in. */
  modules: z
    .array(z.object({ name: z.string(), bytes: bytesSchema }))
    .min(1)
    .max(maxCores),
  /** Present when the bundle can do without its glue. Agents that do not know it run the glue: same answers, slower. */
  direct: directPlanSchema.optional(),
  /** The same for a component that imports something. */
  linked: linkedPlanSchema.optional(),
});
export type Bundle = z.infer<typeof bundleSchema>;

/** SHA-256 in lower-case hex: the name of components and bundles. */
export function computeDigest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Bytes of a bundle. The same bundle always gives the same bytes. */
export function encodeBundle(bundle: Bundle): Uint8Array {
  return pack(bundleSchema.parse(bundle));
}

/** @throws ZodError or Error when the bytes are not a bundle that this version understands */
export function decodeBundle(bytes: Uint8Array): Bundle {
  return bundleSchema.parse(unpack(bytes));
}
