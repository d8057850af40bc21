/**
 * How to run a component with imports without its glue: the core modules to instantiate, the imports of each, and for
 * each host function the types of its arguments and results (component model, CanonicalABI.md). Strings are UTF-8.
 */
import * as z from 'zod';

/** Maximum number of core modules in a bundle, and of core instances in a plan. */
export const maxCores = 64;
/** Maximum number of host functions that one component can import. */
export const maxHostFunctions = 1_000;
/** Maximum number of types in the signature of one function, counting all parts. */
export const maxTypeParts = 2_000;

const primitives = [
  'bool',
  's8',
  'u8',
  's16',
  'u16',
  's32',
  'u32',
  's64',
  'u64',
  'f32',
  'f64',
  'char',
  'string',
] as const;
export type Primitive = (typeof primitives)[number];

/** A value type of WIT, written out in full. It refers to nothing but resources, by their index in the plan. */
export type ValueType =
  | Primitive
  | { readonly list: ValueType }
  | { readonly record: readonly (readonly [name: string, type: ValueType])[] }
  | { readonly tuple: readonly ValueType[] }
  | { readonly variant: readonly (readonly [name: string, type: ValueType | null])[] }
  | { readonly enum: readonly string[] }
  | { readonly flags: readonly string[] }
  | { readonly option: ValueType }
  | { readonly result: readonly [ok: ValueType | null, error: ValueType | null] }
  | { readonly own: number }
  | { readonly borrow: number };

const index = z.int().min(0).max(10_000);
const valueTypeSchema: z.ZodType<ValueType> = z.lazy(() =>
  z.union([
    z.enum(primitives),
    z.strictObject({ list: valueTypeSchema }),
    z.strictObject({ record: z.array(z.tuple([z.string(), valueTypeSchema])) }),
    z.strictObject({ tuple: z.array(valueTypeSchema) }),
    z.strictObject({ variant: z.array(z.tuple([z.string(), valueTypeSchema.nullable()])) }),
    z.strictObject({ enum: z.array(z.string()) }),
    z.strictObject({ flags: z.array(z.string()) }),
    z.strictObject({ option: valueTypeSchema }),
    z.strictObject({ result: z.tuple([valueTypeSchema.nullable(), valueTypeSchema.nullable()]) }),
    z.strictObject({ own: index }),
    z.strictObject({ borrow: index }),
  ]),
);

const functionTypeSchema = z.object({
  params: z.array(valueTypeSchema),
  /** Null for a function without a result. */
  result: valueTypeSchema.nullable(),
});
export type FunctionType = z.infer<typeof functionTypeSchema>;

/** An export of a core instance, which is named by its index in the plan. */
export const coreExportSchema = z.object({
  instance: z
    .int()
    .min(0)
    .max(maxCores - 1),
  name: z.string(),
});
export type CoreExport = z.infer<typeof coreExportSchema>;

/**
 * The memory for the strings and lists of a function, and its allocator. Absent when the function's types need none.
 */
const optionsSchema = z.object({ memory: coreExportSchema.optional(), realloc: coreExportSchema.optional() });

/** A function that the host provides. */
const hostFunctionSchema = z.union([
  z.object({
    /** WIT name of the interface without its version, and WIT name of the function in it: `[method]fields.append`. */
    interface: z.string(),
    function: z.string(),
    type: functionTypeSchema,
    options: optionsSchema,
    /** True when the function may wait. */
    suspends: z.boolean(),
  }),
  /** Drops a handle of this resource. */
  z.object({ drop: index }),
]);
export type HostFunction = z.infer<typeof hostFunctionSchema>;

export const linkedPlanSchema = z.object({
  /** Resources of the host, by their interface without its version and by their WIT name. */
  resources: z.array(z.object({ interface: z.string(), name: z.string() })).max(maxHostFunctions),
  host: z.array(hostFunctionSchema).max(maxHostFunctions),
  instances: z
    .array(
      z.object({
        /** File name of the core module. */
        module: z.string(),
        /** The source of each import: an export of an earlier instance, or a function of `host` by its index. */
        imports: z.array(
          z.object({
            module: z.string(),
            name: z.string(),
            from: z.union([coreExportSchema, z.object({ host: index })]),
          }),
        ),
      }),
    )
    .min(1)
    .max(maxCores),
  /** The function that an invocation calls. */
  entry: z.object({
    core: coreExportSchema,
    type: functionTypeSchema,
    options: optionsSchema,
    postReturn: coreExportSchema.optional(),
  }),
  /** See `DirectPlan`. */
  state: z.array(coreExportSchema).optional(),
  slack: coreExportSchema.optional(),
});
export type LinkedPlan = z.infer<typeof linkedPlanSchema>;
