/** The two ways to make an instance of a component with imports: with jco's glue, or from its plan. */
import type { Bundle, World } from '@skerry/shared/function/bundle.ts';
import type { LinkedPlan } from '@skerry/shared/function/linked-plan.ts';
import { createLinker } from '../link/linked-instance.ts';
import type { Instantiate } from './glue.ts';

/** An instance, made by either way. */
export type Made = {
  /** The function, or the interface that contains it, as jco exports it. */
  readonly exported: unknown;
  /** Used to find out why a call failed. */
  readonly cores: readonly WebAssembly.Instance[];
  /** Restores the state before any call. False when that is impossible; the instance must then be dropped. */
  reset(): boolean;
};

export type Modules = ReadonlyMap<string, WebAssembly.Module>;

/** @throws the errors of instantiation: RangeError without memory, RuntimeError for a trap at start */
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
