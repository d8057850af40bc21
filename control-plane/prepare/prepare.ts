/**
 * Turns an upload into a bundle: inspect, adapt, fit a world, transpile, cap memory, check, plan, pack. A FunLess
 * function is no component, and skips adaptation and glue. Runs in the disposable process (child.ts), never in the
 * server's process.
 *
 * Invariants:
 * - The same upload with the same limit gives the same bundle, byte for byte.
 * - One process prepares one upload, because some bad files leave jco's WIT reader unusable for later files.
 */
import { componentWit } from '@bytecodealliance/jco-transpile/wasm-tools';
import { type Bundle, computeDigest, encodeBundle, isAsync, type World } from '@skerry/shared/function/bundle.ts';
import { maxCores } from '@skerry/shared/function/linked-plan.ts';
import { interfaceFunctions } from '@skerry/shared/wit/functions.ts';
import { suspendingImports } from '@skerry/shared/wit/provided.ts';
import { adapt, preview1Functions } from './adapt.ts';
import { fitFunless, isFunless } from './funless.ts';
import { inspect } from './inspect.ts';
import { type FlatComponent, readFlatComponent } from './plan/flat-component.ts';
import { planDirect, planLinked } from './plan/plan.ts';
import type { Prepared } from './prepared.ts';
import { planReset, type ResetPlan } from './reset/reset.ts';
import { transpile } from './transpile.ts';
import { type CoreModule, readCoreModule } from './wasm/core-module.ts';
import { capMemory } from './wasm/memory.ts';
import { listNames, readToolMessage, rejected } from './wasm/refusal.ts';
import { capTables } from './wasm/tables.ts';
import { fitWorld } from './world.ts';

export type PrepareOptions = {
  /** Limit of each linear memory, in bytes. The modules of the bundle contain it. */
  readonly memoryBytes: number;
  /** True: components of WASI 0.3 are accepted. Default: false. */
  readonly wasi03?: boolean;
};

/** @throws SkerryError `component_rejected` */
export async function prepare(upload: Uint8Array, { memoryBytes, wasi03 = false }: PrepareOptions): Promise<Prepared> {
  const { component, imports, modules, ...fields } = await translate(upload, wasi03);
  if (modules.length > maxCores) throw rejected(`it has ${modules.length} core modules; the limit is ${maxCores}`);
  let initialMemoryBytes = 0;
  const capped = modules.map(({ name, bytes }) => {
    const { module, initialBytes } = capMemory(capTables(bytes), memoryBytes);
    initialMemoryBytes += initialBytes;
    compile(module);
    return { name, bytes: module };
  });
  const flat =
    component && !isAsync(fields.world) ? readFlatComponent(component, modules, suspendingImports(imports)) : undefined;
  if (flat) refuseUnknownFunctions(flat);
  const bundle = encodeBundle({ format: 1, ...fields, ...planModules(flat, fields, capped) });
  return {
    componentDigest: computeDigest(upload),
    bundleDigest: computeDigest(bundle),
    bundle,
    world: fields.world,
    imports,
    size: upload.byteLength,
    initialMemoryBytes,
  };
}

type Translated = Omit<Bundle, 'format' | 'direct'> & {
  readonly imports: string[];
  /** Absent for a FunLess function. */
  readonly component?: Uint8Array;
};

async function translate(upload: Uint8Array, wasi03: boolean): Promise<Translated> {
  if (inspect(upload) === 'component') return translateComponent(upload, wasi03);
  const module = readModule(upload);
  if (isFunless(module)) return fitFunless(upload, await preview1Functions());
  return translateComponent(await adapt(upload, module), wasi03);
}

async function translateComponent(component: Uint8Array, wasi03: boolean): Promise<Translated> {
  const fit = fitWorld(await readWit(component), { wasi03 });
  return { ...fit, component, ...(await transpile(component, fit)) };
}

function readModule(upload: Uint8Array): CoreModule {
  try {
    return readCoreModule(upload);
  } catch (error) {
    throw rejected(`not a valid module: ${readToolMessage(error)}`, error);
  }
}

/** Plans how to run the modules without glue and how to reset them, if the component allows that. */
function planModules(
  flat: FlatComponent | undefined,
  { world, exportName }: Pick<Bundle, 'world' | 'exportName'>,
  modules: Bundle['modules'],
): Pick<Bundle, 'modules' | 'direct' | 'linked'> {
  const direct = flat && planDirect(flat);
  const linked = direct ? undefined : flat && planLinked(flat, toEntryName(world, exportName));
  const plan = direct ?? linked;
  const reset = plan && planReset(plan, modules);
  const { modules: changed = modules, ...state }: Partial<ResetPlan> = reset ?? {};
  if (reset) for (const { bytes } of changed) compile(bytes);
  return {
    modules: changed,
    ...(direct && { direct: { ...direct, ...state } }),
    ...(linked && { linked: { ...linked, ...state } }),
  };
}

/**
 * Refuses imported functions that the host does not know. The component's world names only the interfaces, and only a
 * flat component shows which of their functions it imports. In other components a call of an unknown function fails.
 */
function refuseUnknownFunctions({ host }: FlatComponent): void {
  const unknown = host.flatMap((fn) =>
    'function' in fn && !interfaceFunctions[fn.interface]?.includes(fn.function)
      ? [`${fn.interface}#${fn.function}`]
      : [],
  );
  if (unknown.length > 0) throw rejected(`imports that the host does not provide: ${listNames(unknown)}`);
}

/** @returns the name of the function that an invocation calls, in the form of prepare/plan/flat-component.ts */
function toEntryName(world: World, exportName: string): string {
  if (world === 'wasi:http/incoming-handler') return `${exportName}#handle`;
  return world === 'wasi:cli/run' ? `${exportName}#run` : exportName;
}

async function readWit(component: Uint8Array): Promise<string> {
  try {
    return await componentWit(component);
  } catch (error) {
    const advice = namesDraft(component) ? '; it is of a draft of WASI 0.3: build it for WASI 0.2' : '';
    throw rejected(`not a valid component: ${readToolMessage(error)}${advice}`, error);
  }
}

/** Drafts of WASI 0.3 came with drafts of the binary format, which the tools no longer read. */
function namesDraft(component: Uint8Array): boolean {
  return /@0\.3\.\d+-/.test(Buffer.from(component).toString('latin1'));
}

/** Refuses a module that does not compile, because it would fail on every agent. */
function compile(module: Uint8Array): void {
  try {
    new WebAssembly.Module(Uint8Array.from(module));
  } catch (error) {
    throw rejected(`a core module in it does not compile: ${readToolMessage(error)}`, error);
  }
}
