/**
 * Compares the functions of an agent with its desired state: the difference as a list of steps. Pure; execute-step.ts
 * carries them out.
 *
 * Order: deactivate removed functions first to free memory, then load new and changed ones, then delete unreferenced
 * bundles. Steps of one function stand together, so that a failure skips the rest of its own. A serving function whose
 * code was lost to damage is loaded once more.
 */
import type { DesiredFunction } from '@skerry/shared/tunnel/protocol.ts';

export type Step =
  | { readonly kind: 'deactivate'; readonly function: string }
  | { readonly kind: 'fetch'; readonly function: string; readonly digest: string }
  | { readonly kind: 'load'; readonly function: string; readonly digest: string }
  | { readonly kind: 'activate'; readonly function: string; readonly to: DesiredFunction }
  | { readonly kind: 'collect' };

type Actual = {
  /** Serving functions, by id; with or without their code. */
  readonly active: ReadonlyMap<string, DesiredFunction>;
  /** True when the whole bundle is in the store. */
  holds(digest: string): boolean;
};

export function stepsTo(desired: readonly DesiredFunction[], actual: Actual): Step[] {
  const wanted = new Set(desired.map((fn) => fn.id));
  const steps: Step[] = [];
  for (const id of actual.active.keys()) {
    if (!wanted.has(id)) steps.push({ kind: 'deactivate', function: id });
  }
  for (const fn of desired) {
    const holds = actual.holds(fn.bundle);
    if (holds && same(actual.active.get(fn.id), fn)) continue;
    if (!holds) steps.push({ kind: 'fetch', function: fn.id, digest: fn.bundle });
    steps.push({ kind: 'load', function: fn.id, digest: fn.bundle });
    steps.push({ kind: 'activate', function: fn.id, to: fn });
  }
  if (steps.length > 0) steps.push({ kind: 'collect' });
  return steps;
}

function same(a: DesiredFunction | undefined, b: DesiredFunction): boolean {
  return a !== undefined && JSON.stringify(a) === JSON.stringify(b);
}
