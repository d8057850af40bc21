/** What the sinks of a function want to have of its invocations. */
import type { CatalogFunction } from './catalog-function.ts';

/** Whether an outcome has anywhere to go. */
export function wantsOutcome({ sinks }: Pick<CatalogFunction, 'sinks'>, ok: boolean): boolean {
  return sinks.some(({ spec }) => spec.params.on === 'all' || (spec.params.on === 'success') === ok);
}

/** Whether the input goes along. */
export function wantsInput({ sinks }: Pick<CatalogFunction, 'sinks'>): boolean {
  return sinks.some(({ spec }) => spec.params.envelope);
}
