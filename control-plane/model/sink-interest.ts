/** Which outcomes and inputs the sinks of a function select. */
import type { CatalogFunction } from './catalog-function.ts';

/** Whether any sink selects the outcome. */
export function wantsOutcome({ sinks }: Pick<CatalogFunction, 'sinks'>, ok: boolean): boolean {
  return sinks.some(({ spec }) => spec.params.on === 'all' || (spec.params.on === 'success') === ok);
}

/** Whether a sink needs the input as well. */
export function wantsInput({ sinks }: Pick<CatalogFunction, 'sinks'>): boolean {
  return sinks.some(({ spec }) => spec.params.envelope);
}
