/** Extends a plan so that its instances can be reset between calls, if all of its core modules allow that. */
import type { Bundle } from '@skerry/shared/function/bundle.ts';
import type { CoreExport } from '@skerry/shared/function/linked-plan.ts';
import { virtualizeGrowth } from './growth.ts';
import { exposeState } from './state.ts';

/** The state to restore in an instance of the plan, and the modules that export the state. */
export type ResetPlan = {
  readonly state: CoreExport[];
  readonly slack?: CoreExport;
  readonly modules: Bundle['modules'];
};

/** @returns undefined when a module of the plan does not allow it */
export function planReset(
  plan: { readonly instances: readonly { readonly module: string }[] },
  original: Bundle['modules'],
): ResetPlan | undefined {
  const growth = virtualizeGrowth(plan, original);
  const modules = growth?.modules ?? original;
  const exposed = new Map(modules.map(({ name, bytes }) => [name, exposeState(bytes)]));
  const state: CoreExport[] = [];
  for (const [instance, { module }] of plan.instances.entries()) {
    const names = exposed.get(module)?.names;
    if (!names) return undefined;
    state.push(...names.map((name) => ({ instance, name })));
  }
  return {
    state,
    ...(growth && { slack: growth.slack }),
    modules: modules.map(({ name, bytes }) => ({ name, bytes: exposed.get(name)?.module ?? bytes })),
  };
}
