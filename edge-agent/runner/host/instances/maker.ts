/** The two ways to make an instance of a component that imports something: with jco's glue, or by its plan. */
import type { Bundle, World } from '@skerry/shared/function/bundle.ts';
import type { LinkedPlan } from '@skerry/shared/function/linked-plan.ts';
import { createLinker } from '../link/linked-instance.ts';
import type { Instantiate } from './glue.ts';

/** An instance, however it was made. */
export type Made = {
  /** The function, or the interface that has it, as jco exports it. */
  readonly exported: unknown;
  /** For finding out why a call failed. */
  readonly cores: readonly WebAssembly.Instance[];
  /** Puts it back to what it was before any call. False when that cannot be, and it is fit for nothing any more. */
  reset(): boolean;
};

export type Modules = ReadonlyMap<string, WebAssembly.Module>;

/** @throws whatever instantiating throws: RangeError when there is no memory, RuntimeError for a trap at start */
export type Maker = (imports: Record<string, unknown>) => Made | Promise<Made>;

export function gluedMaker(
  { exportName }: Pick<Bundle, 'exportName'>,
  instantiate: Instantiate,
  modules: Modules,
): Maker {
  return (imports) => {
    const cores: WebAssembly.Instance[] = [];
    const made = instantiate(
      (name) => {
        const module = modules.get(name);
        if (!module) throw new Error(`the bundle has no core module ${name}`);
        return module;
      },
      imports,
      (module, given) => {
        const core = new WebAssembly.Instance(module, given);
        cores.push(core);
        return core;
      },
    );
    const wrap = (exports: Record<string, unknown>): Made => ({
      exported: exports[exportName],
      cores,
      reset: () => false,
    });
    return made instanceof Promise ? made.then(wrap) : wrap(made);
  };
}

export function linkedMaker(world: World, plan: LinkedPlan, modules: Modules): Maker {
  const linker = createLinker(plan, modules);
  return (imports) => {
    const { call, cores, reset } = linker.instantiate(imports);
    return { exported: exportedAs(world, call), cores, reset };
  };
}

function exportedAs(world: World, call: (...args: readonly unknown[]) => unknown): unknown {
  if (world === 'wasi:http/incoming-handler') return { handle: call };
  return world === 'wasi:cli/run' ? { run: call } : call;
}
