/**
 * The whole way from an upload to a bundle: inspect, adapt, fit a world, transpile, cap memory, check, plan, pack.
 * Runs in the disposable process (child.ts), never in the server's.
 *
 * Invariants: the same upload with the same limit gives the same bundle, byte for byte; one process prepares
 * one upload, because some bad files leave jco's WIT reader unusable for everything after them.
 */
import { componentWit } from '@bytecodealliance/jco-transpile/wasm-tools';
import { type Bundle, type DirectPlan, digestOf, encodeBundle } from '@skerry/shared/bundle.ts';
import { adapt } from './adapt.ts';
import { planDirect } from './direct.ts';
import { inspect } from './inspect.ts';
import { capMemory } from './memory.ts';
import type { Prepared } from './prepared.ts';
import { rejected, toolMessage } from './refusal.ts';
import { planReset } from './reset.ts';
import { capTables } from './tables.ts';
import { transpile } from './transpile.ts';
import { fitWorld } from './world.ts';

/** @throws SkerryError `component_rejected` */
export async function prepare(upload: Uint8Array, { memoryBytes }: { memoryBytes: number }): Promise<Prepared> {
  const component = inspect(upload) === 'module' ? await adapt(upload) : upload;
  const fit = fitWorld(await wit(component));
  const { mode, glue, modules } = await transpile(component, fit);
  let initialMemoryBytes = 0;
  const capped = modules.map(({ name, bytes }) => {
    const { module, initialBytes } = capMemory(capTables(bytes), memoryBytes);
    initialMemoryBytes += initialBytes;
    compile(module);
    return { name, bytes: module };
  });
  const bundle = encodeBundle({
    format: 1,
    world: fit.world,
    exportName: fit.exportName,
    mode,
    glue,
    ...(fit.world === 'skerry:function/handler' && mode === 'plain'
      ? withPlan(planDirect(component, modules), capped)
      : { modules: capped }),
  });
  return {
    componentDigest: digestOf(upload),
    bundleDigest: digestOf(bundle),
    bundle,
    world: fit.world,
    imports: fit.imports,
    size: upload.byteLength,
    initialMemoryBytes,
  };
}

/** The modules, with how to run them directly and how to reset them where that is possible. */
function withPlan(
  direct: DirectPlan | undefined,
  modules: Bundle['modules'],
): Pick<Bundle, 'modules'> & { direct?: DirectPlan } {
  if (!direct) return { modules };
  const reset = planReset(direct, modules);
  if (!reset) return { direct, modules };
  for (const { bytes } of reset.modules) compile(bytes);
  return reset;
}

async function wit(component: Uint8Array): Promise<string> {
  try {
    return await componentWit(component);
  } catch (error) {
    throw rejected(`not a valid component: ${toolMessage(error)}`, error);
  }
}

/** What does not compile here would fail on every agent. */
function compile(module: Uint8Array): void {
  try {
    new WebAssembly.Module(Uint8Array.from(module));
  } catch (error) {
    throw rejected(`a core module in it does not compile: ${toolMessage(error)}`, error);
  }
}
