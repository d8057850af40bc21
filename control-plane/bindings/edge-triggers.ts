/** The triggers of a function that its agents listen to, with their credentials. */
import { SkerryError, toSkerryError } from '@skerry/shared/errors.ts';
import { type ReadyTrigger, triggerSchema } from '@skerry/shared/function/triggers.ts';
import * as z from 'zod';
import type { Logger } from '../log/log.ts';
import type { CatalogFunction } from '../model/catalog-function.ts';
import type { CredentialStore } from '../secrets/credentials.ts';

/** A trigger whose credentials are not available is left out and logged; the others go on. */
export function createEdgeTriggers(
  credentials: Pick<CredentialStore, 'ready'>,
  log: Logger,
): (fn: CatalogFunction) => readonly ReadyTrigger[] {
  return (fn) =>
    fn.triggers.flatMap((trigger) => {
      if (trigger.spec.params.placement !== 'edge') return [];
      try {
        const ready = credentials.ready(trigger);
        // A secret may be longer than the parameter that it fills. One invalid trigger would spoil the whole frame.
        const { id, ...spec } = ready;
        const { error } = triggerSchema.safeParse(spec);
        if (error) throw new SkerryError('validation_failed', z.prettifyError(error));
        return [ready];
      } catch (error) {
        const { message } = toSkerryError(error);
        log.warn(
          { function: `${fn.module}/${fn.name}`, trigger: trigger.id, message },
          'a trigger is left out of the desired state',
        );
        return [];
      }
    });
}
