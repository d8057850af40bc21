/**
 * A function of the host as a core function: takes core values, lifts the arguments, calls, lowers the result. The part
 * that does not depend on an instance is prepared once (`prepareHostCall`); one closure per instance remains.
 */
import type { HostFunction } from '@skerry/shared/function/linked-plan.ts';
import { alignTo, type Codec, type Context, type CoreValue, CoreValues, camelCase } from './codec.ts';
import { codecFor } from './types.ts';

/** Number of core values beyond which arguments go through memory (CanonicalABI.md, MAX_FLAT_PARAMS). */
const maxFlatParams = 16;

type CallFunction = Extract<HostFunction, { function: string }>;

/** The host's interfaces, by name without version. */
export type HostImports = Readonly<Record<string, unknown>>;

export type HostCall = (context: Context, imports: HostImports, values: readonly CoreValue[]) => unknown;

/** Returns the core result, or a promise of it when the host waits. */
export function prepareHostCall({ interface: name, function: fn, type }: CallFunction): HostCall {
  const params = type.params.map(codecFor);
  const flatCount = params.reduce((sum, codec) => sum + codec.flat.length, 0);
  const lift = flatCount > maxFlatParams ? liftFromMemory(params) : liftFlat(params);
  const result = type.result === null ? undefined : codecFor(type.result);
  const fallible = type.result !== null && typeof type.result !== 'string' && 'result' in type.result;
  const call = resolve(name, fn);
  const inMemory = result !== undefined && result.flat.length > 1;

  const give = (context: Context, value: unknown, at: number): CoreValue | undefined => {
    if (!result) return undefined;
    if (inMemory) {
      context.memory.check(at, result.size, result.alignment);
      result.store(context, at, value);
      return undefined;
    }
    const out: CoreValue[] = [];
    result.lower(context, value, out);
    return out[0];
  };

  return (context, imports, values) => {
    const at = inMemory ? Number(values.at(-1)) >>> 0 : 0;
    context.memory.beginValues();
    const args = lift(context, new CoreValues(values));
    const succeed = (value: unknown) => give(context, fallible ? { tag: 'ok', val: value } : value, at);
    const fail = (error: unknown) => {
      // An Error that the host throws is a fault, and ends the guest. Any other thrown value is the guest's error
      // value.
      if (!fallible || error instanceof Error) throw error;
      return give(context, { tag: 'err', val: error }, at);
    };
    try {
      const value = call(imports, args);
      return value instanceof Promise ? value.then(succeed, fail) : succeed(value);
    } catch (error) {
      return fail(error);
    }
  };
}

const liftFlat =
  (params: readonly Codec[]) =>
  (context: Context, values: CoreValues): unknown[] =>
    params.map((codec) => codec.lift(context, values));

function liftFromMemory(params: readonly Codec[]) {
  let size = 0;
  let alignment = 1;
  const offsets = params.map((codec) => {
    const offset = alignTo(size, codec.alignment);
    size = offset + codec.size;
    alignment = Math.max(alignment, codec.alignment);
    return offset;
  });
  return (context: Context, values: CoreValues): unknown[] => {
    const at = values.nextUnsigned();
    context.memory.check(at, size, alignment);
    return params.map((codec, index) => codec.load(context, at + (offsets[index] ?? 0)));
  };
}

type Callable = (...args: unknown[]) => unknown;
type Class = Readonly<Record<string, unknown>> & (new (...args: unknown[]) => object);

/**
 * WIT's names of functions (component model, WIT.md): `f`, `[constructor]r`, `[method]r.f`, `[static]r.f`.
 *
 * The guest chooses the names. Properties that all functions and objects inherit do not count: names such as
 * `constructor` and `bind` would lead out of the host.
 */
function resolve(interfaceName: string, name: string): (imports: HostImports, args: unknown[]) => unknown {
  const [, kind, resource = '', member = ''] = /^\[(constructor|method|static)\]([^.]+)(?:\.(.+))?$/.exec(name) ?? [];
  const className = pascalCase(resource);
  const key = camelCase(kind ? member : name);
  const has = (owner: unknown, property: string): unknown => {
    if (property === 'constructor' || !isOwn(owner, property)) {
      throw new Error(`the host has no ${interfaceName}#${name}`);
    }
    return (owner as Record<string, unknown>)[property];
  };
  const classOf = (imports: HostImports) => has(imports[interfaceName], className) as Class;
  const call = (owner: unknown, self: unknown, args: unknown[]) => (has(owner, key) as Callable).apply(self, args);
  switch (kind) {
    case 'constructor':
      return (imports, args) => new (classOf(imports))(...args);
    case 'method':
      return (imports, [self, ...args]) => call(classOf(imports).prototype, self, args);
    case 'static':
      return (imports, args) => call(classOf(imports), classOf(imports), args);
    default:
      return (imports, args) => call(imports[interfaceName], imports[interfaceName], args);
  }
}

/** True when the class, or a class that it extends, has the property. */
function isOwn(owner: unknown, property: string): boolean {
  for (let at = owner; at && at !== Object.prototype && at !== Function.prototype; at = Object.getPrototypeOf(at)) {
    if (Object.hasOwn(at, property)) return true;
  }
  return false;
}

function pascalCase(name: string): string {
  const camel = camelCase(name);
  return camel.slice(0, 1).toUpperCase() + camel.slice(1);
}
