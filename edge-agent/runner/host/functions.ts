/** From a compiled bundle to what a thread calls: the shortest way that the bundle allows. */
import { isAsync } from '@skerry/shared/bundle.ts';
import type { CompiledBundle } from './bundles.ts';
import { createDirectFunction } from './direct-function.ts';
import { createFunlessFunction } from './funless/function.ts';
import { compileGlue } from './glue.ts';
import { createLoadedFunction, type LoadedFunction } from './loaded-function.ts';
import { gluedMaker, linkedMaker } from './maker.ts';
import { createAsyncFunction } from './wasi03/function.ts';
import { noStrayRejections, type StrayRejections } from './wasi03/stray-rejections.ts';

/**
 * @param strays the thread's
 * @throws SyntaxError when the glue is not what jco writes
 */
export function createFunction(
  digest: string,
  bundle: CompiledBundle,
  strays: StrayRejections = noStrayRejections,
): LoadedFunction {
  const { world, direct, linked, glue, modules } = bundle;
  if (world === 'funless') return createFunlessFunction(modules);
  if (isAsync(world)) return createAsyncFunction(digest, { ...bundle, world }, modules, strays);
  if (direct) return createDirectFunction(direct, modules);
  const make = linked ? linkedMaker(world, linked, modules) : gluedMaker(bundle, compileGlue(glue, digest), modules);
  return createLoadedFunction({ world, make });
}
