/** Makes a callable function from a compiled bundle, by the shortest way that the bundle allows. */
import { isAsync } from '@skerry/shared/function/bundle.ts';
import { createFunlessFunction } from '../funless/function.ts';
import { createDirectFunction } from '../instances/direct-function.ts';
import { compileGlue } from '../instances/glue.ts';
import { createLoadedFunction, type LoadedFunction } from '../instances/loaded-function.ts';
import { gluedMaker, linkedMaker } from '../instances/maker.ts';
import { createAsyncFunction } from '../wasi03/function.ts';
import { noStrayRejections, type StrayRejections } from '../wasi03/stray-rejections.ts';
import type { CompiledBundle } from './bundles.ts';

/**
 * @param strays the thread's
 * @throws SyntaxError when the text is not jco's glue
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
