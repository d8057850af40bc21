/** The shared parts of the routes of triggers and of sinks. */
import { z } from '@hono/zod-openapi';
import { SkerryError } from '@skerry/shared/errors.ts';
import type { Sink } from '@skerry/shared/function/sinks.ts';
import type { Trigger } from '@skerry/shared/function/triggers.ts';
import type { Binding } from '../../model/catalog-function.ts';
import { pathName } from '../http/schemas.ts';

export const bindingPath = z.object({
  module: pathName('Name of the module'),
  function: pathName('Name of the function'),
});

export const onePath = bindingPath.extend({ id: z.string() });

/** @throws SkerryError not_found */
export function needBinding<Spec extends Trigger | Sink>(
  noun: 'trigger' | 'sink',
  bindings: readonly Binding<Spec>[],
  id: string,
): Binding<Spec> {
  const found = bindings.find((binding) => binding.id === id);
  if (!found) throw new SkerryError('not_found', `There is no ${noun} "${id}" of this function`);
  return found;
}

/** The parameters, with a note where there are credentials, which are never shown. */
export function shownParams({ spec, sealed }: Binding<Trigger | Sink>): Record<string, unknown> {
  return sealed ? { ...spec.params, credentials: 'sealed' } : { ...spec.params };
}
