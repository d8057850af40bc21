/** Adds to a plan how an instance made by it can be reset between calls, when all of its core modules allow it. */
import type { Bundle } from '@skerry/shared/bundle.ts';
import type { CoreExport } from '@skerry/shared/linked-plan.ts';
import { exposeState } from './state.ts';

/** @returns plan and modules with the state exported; undefined when a module of the plan does not allow it */
export function planReset<Plan extends { readonly instances: readonly { readonly module: string }[] }>(
  plan: Plan,
  modules: Bundle['modules'],
): { plan: Plan & { state: CoreExport[] }; modules: Bundle['modules'] } | undefined {
  const exposed = new Map(modules.map(({ name, bytes }) => [name, exposeState(bytes)]));
  const state: CoreExport[] = [];
  for (const [instance, { module }] of plan.instances.entries()) {
    const names = exposed.get(module)?.names;
    if (!names) return undefined;
    state.push(...names.map((name) => ({ instance, name })));
  }
  return {
    plan: { ...plan, state },
    modules: modules.map(({ name, bytes }) => ({ name, bytes: exposed.get(name)?.module ?? bytes })),
  };
}
