/** Adds to a plan how an instance made by it can be reset between calls, when all of its core modules allow it. */
import type { Bundle } from '@skerry/shared/function/bundle.ts';
import type { CoreExport } from '@skerry/shared/function/linked-plan.ts';
import { virtualizeGrowth } from './growth.ts';
import { exposeState } from './state.ts';

/** What makes instances of a plan resettable, with the modules that have it. */
export type Reset = {
  readonly state: CoreExport[];
  readonly slack?: CoreExport;
  readonly modules: Bundle['modules'];
};

/** @returns undefined when a module of the plan does not allow it */
export function planReset(
  plan: { readonly instances: readonly { readonly module: string }[] },
  original: Bundle['modules'],
): Reset | undefined {
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
