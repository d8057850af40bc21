/**
 * How to run a component that imports something without glue: which core modules to instantiate, what each is given,
 * and for each function of the host the types by which its arguments and results pass (component model,
 * CanonicalABI.md). Strings are UTF-8.
 */
import * as z from 'zod';

/** Core modules of a bundle, and core instances of a plan, at most. */
export const maxCores = 64;
/** Functions of the host that one component can be given, at most. */
export const maxHostFunctions = 1_000;
/** Types, all parts counted, of one function at most. */
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

/** A type of a value, as WIT has it, written out: nothing refers to anything but resources, by their place in a plan. */
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
  /** Null: it gives nothing. */
  result: valueTypeSchema.nullable(),
});
export type FunctionType = z.infer<typeof functionTypeSchema>;

/** An export of a core instance, by the instance's place in the plan. */
export const coreExportSchema = z.object({
  instance: z
    .int()
    .min(0)
    .max(maxCores - 1),
  name: z.string(),
});
export type CoreExport = z.infer<typeof coreExportSchema>;

/** Where strings and lists of a function are, and who makes room for them; absent when its types need neither. */
const optionsSchema = z.object({ memory: coreExportSchema.optional(), realloc: coreExportSchema.optional() });

/** A function that the host gives. */
const hostFunctionSchema = z.union([
  z.object({
    /** Interface by WIT name without version, and the function in it as WIT writes it: `[method]fields.append`. */
    interface: z.string(),
    function: z.string(),
    type: functionTypeSchema,
    options: optionsSchema,
    /** It may wait. */
    suspends: z.boolean(),
  }),
  /** Drops a handle of this resource. */
  z.object({ drop: index }),
]);
export type HostFunction = z.infer<typeof hostFunctionSchema>;

export const linkedPlanSchema = z.object({
  /** Resources of the host, by interface without version and WIT name. */
  resources: z.array(z.object({ interface: z.string(), name: z.string() })).max(maxHostFunctions),
  host: z.array(hostFunctionSchema).max(maxHostFunctions),
  instances: z
    .array(
      z.object({
        /** File name of the core module. */
        module: z.string(),
        /** What each import is: an export of an instance before this one, or a function of `host` by its place. */
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
  /** The function that is called. */
  entry: z.object({
    core: coreExportSchema,
    type: functionTypeSchema,
    options: optionsSchema,
    postReturn: coreExportSchema.optional(),
  }),
  /** As in `DirectPlan`. */
  state: z.array(coreExportSchema).optional(),
  slack: coreExportSchema.optional(),
});
export type LinkedPlan = z.infer<typeof linkedPlanSchema>;
