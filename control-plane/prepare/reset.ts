/** Adds to a plan how an instance made by it can be reset between calls, when all of its core modules allow it. */
import type { Bundle, DirectPlan } from '@skerry/shared/bundle.ts';
import { exposeState } from './state.ts';

/** @returns plan and modules with the state exported; undefined when a module of the plan does not allow it */
export function planReset(
  direct: DirectPlan,
  modules: Bundle['modules'],
): { direct: DirectPlan; modules: Bundle['modules'] } | undefined {
  const exposed = new Map(modules.map(({ name, bytes }) => [name, exposeState(bytes)]));
  const state: NonNullable<DirectPlan['state']> = [];
  for (const [instance, { module }] of direct.instances.entries()) {
    const names = exposed.get(module)?.names;
    if (!names) return undefined;
    state.push(...names.map((name) => ({ instance, name })));
  }
  return {
    direct: { ...direct, state },
    modules: modules.map(({ name, bytes }) => ({ name, bytes: exposed.get(name)?.module ?? bytes })),
  };
}
