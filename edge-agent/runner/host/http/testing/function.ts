/** A fixture as a thread has it: prepared by the real preparer, loaded, and called with channels of a test. */
import { decodeBundle } from '@skerry/shared/function/bundle.ts';
import { type FixtureName, prepareFixture } from '../../../../../test/fixtures/bundles.ts';
import type { CallFrame } from '../../../protocol/wire.ts';
import type { LoadedFunction } from '../../instances/loaded-function.ts';
import { createFunction } from '../../threads/load-function.ts';

/** @param way how its instances are made; `plan` is the agents' way where it is possible */
export async function loadFixture(name: FixtureName, way: 'glue' | 'plan' = 'glue'): Promise<LoadedFunction> {
  const { linked, modules, ...rest } = decodeBundle((await prepareFixture(name)).bundle);
  const compiled = new Map(
    modules.map(({ name: file, bytes }) => [file, new WebAssembly.Module(Uint8Array.from(bytes))] as const),
  );
  return createFunction(name, { ...rest, modules: compiled, ...(way === 'plan' && linked && { linked }) });
}

/** A plain call. */
export function frame(changes: Partial<CallFrame> = {}): CallFrame {
  return {
    seq: 1,
    timeoutMs: 10_000,
    digest: '',
    reuse: false,
    outputBytes: 1_048_576,
    environment: '{}',
    streams: false,
    input: new Uint8Array(0),
    ...changes,
  };
}
