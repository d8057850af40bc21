/** What the routes of triggers and of sinks have in common. */
import { z } from '@hono/zod-openapi';
import { SkerryError } from '@skerry/shared/errors.ts';
import type { Sink } from '@skerry/shared/function/sinks.ts';
import type { Trigger } from '@skerry/shared/function/triggers.ts';
import type { Attachment } from '../../model/catalog-function.ts';
import { pathName } from '../http/schemas.ts';

export const attachmentPath = z.object({
  module: pathName('Name of the module'),
  function: pathName('Name of the function'),
});

export const onePath = attachmentPath.extend({ id: z.string() });

/** @throws SkerryError not_found */
export function needAttachment<Spec extends Trigger | Sink>(
  noun: 'trigger' | 'sink',
  attachments: readonly Attachment<Spec>[],
  id: string,
): Attachment<Spec> {
  const found = attachments.find((attachment) => attachment.id === id);
  if (!found) throw new SkerryError('not_found', `There is no ${noun} "${id}" of this function`);
  return found;
}

/** The parameters, with a note that there are credentials beside them, which nobody is shown. */
export function shownParams({ spec, sealed }: Attachment<Trigger | Sink>): Record<string, unknown> {
  return sealed ? { ...spec.params, credentials: 'sealed' } : { ...spec.params };
}
