/** Bundles that the runner has compiled: compiled once in the main thread, then shared with the threads. */
import type { LoadHeader } from '../../protocol/wire.ts';

export type CompiledBundle = Omit<LoadHeader, 'modules'> & {
  readonly modules: ReadonlyMap<string, WebAssembly.Module>;
};

export type CompiledBundles = {
  /** @throws CompileError */
  compile(digest: string, header: LoadHeader, modules: readonly Uint8Array<ArrayBuffer>[]): Promise<void>;
  get(digest: string): CompiledBundle | undefined;
  delete(digest: string): void;
};

export function createBundles(): CompiledBundles {
  const compiled = new Map<string, CompiledBundle>();
  return {
    async compile(digest, { modules: names, ...rest }, modules) {
      const entries = await Promise.all(
        modules.map(
          async (bytes, index): Promise<[string, WebAssembly.Module]> => [
            names[index]?.name ?? '',
            await WebAssembly.compile(bytes),
          ],
        ),
      );
      compiled.set(digest, { ...rest, modules: new Map(entries) });
    },
    get: (digest) => compiled.get(digest),
    delete: (digest) => compiled.delete(digest),
  };
}
