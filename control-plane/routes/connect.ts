/**
 * The `events` and `sinks` of an upload, carried out after the function itself: each gets its own answer, and one that
 * cannot be connected makes the status 207, as FunLess has it. A list with one out of form changes nothing that a
 * function has; of a new one, the others are connected.
 */
import { toSkerryError } from '@skerry/shared/errors.ts';
import type { Sink } from '@skerry/shared/sinks.ts';
import type { Trigger, TriggerState } from '@skerry/shared/triggers.ts';
import type { AttachmentService, Author } from '../attachments.ts';
import type { Catalog } from '../catalog.ts';
import type { Attachment } from '../catalog-function.ts';
import type { TriggerPlaces } from '../trigger-places.ts';
import type { Connectors, FunctionUpload } from './upload.ts';

export type ConnectorResult = { readonly status: 'success' | 'error'; readonly message?: string };

/** What an answer says of them; absent where the request had none. */
export type Connected = {
  readonly events?: ConnectorResult[];
  readonly sinks?: ConnectorResult[];
};

/** Whose request it is, and whether it makes the function or changes one. */
export type Deploy = { readonly by: Author; readonly isNew: boolean };

export type ConnectOptions = {
  readonly catalog: Pick<Catalog, 'byId'>;
  readonly triggers: Pick<AttachmentService<Trigger>, 'replaceAll'>;
  readonly sinks: Pick<AttachmentService<Sink>, 'replaceAll'>;
  readonly triggerPlaces: Pick<TriggerPlaces, 'connected'>;
};

/** Never rejects: the function is there, and the answer says what of it is not connected. */
export function createConnect({ catalog, triggers, sinks, triggerPlaces }: ConnectOptions) {
  const attach = async <Spec extends Trigger | Sink>(
    service: Pick<AttachmentService<Spec>, 'replaceAll'>,
    functionId: string,
    asked: Connectors<Spec>,
    { by, isNew }: Deploy,
  ): Promise<ConnectorResult[]> => {
    const specs = asked.flatMap(({ spec }) => (spec === undefined ? [] : [spec]));
    // What is out of form may be meant for one that is there, which must not go for it.
    const failure =
      specs.length < asked.length && !isNew
        ? 'not connected, because another one of the list is out of form: nothing has changed'
        : await service.replaceAll(functionId, specs, by).then(
            () => undefined,
            (error: unknown) => toSkerryError(error).message,
          );
    return asked.map(({ message = failure }) => (message === undefined ? success : { status: 'error', message }));
  };

  /** The results, with those that did not come up in time as errors. */
  const awaited = async (
    functionId: string,
    results: ConnectorResult[],
    waitMs: number,
  ): Promise<ConnectorResult[]> => {
    const all = catalog.byId(functionId)?.triggers ?? [];
    const states = await Promise.all(
      all.map((trigger) => triggerPlaces.connected(trigger.id, waitMs).then(faultOf(trigger))),
    );
    const faults = states.flatMap((fault) => (fault === undefined ? [] : [fault]));
    if (faults.length === 0) return results;
    const message = `not connected within ${waitMs} ms, and going on trying: ${faults.join('; ')}`;
    return results.map((result) => (result.status === 'success' ? { status: 'error', message } : result));
  };

  return async (
    functionId: string,
    { events, sinks: to, eventsWaitMs }: FunctionUpload,
    deploy: Deploy,
  ): Promise<Connected> => {
    const eventResults = events && (await attach(triggers, functionId, events, deploy));
    const sinkResults = to && (await attach(sinks, functionId, to, deploy));
    return {
      ...(eventResults && {
        events: eventsWaitMs > 0 ? await awaited(functionId, eventResults, eventsWaitMs) : eventResults,
      }),
      ...(sinkResults && { sinks: sinkResults }),
    };
  };
}

const success: ConnectorResult = { status: 'success' };

function faultOf({ spec }: Attachment<Trigger>) {
  return (state: TriggerState | undefined): string | undefined => {
    if (spec.type !== 'mqtt' || state?.state === 'up' || state?.state === 'holding') return undefined;
    return `${spec.params.host} (${state?.error ?? 'no answer yet'})`;
  };
}
