/**
 * The `events` and `sinks` of an upload, applied after the function itself. Each entry gets its own answer, and a
 * failed one makes the status 207, as in FunLess. With an invalid entry in the list, an update changes nothing, and a
 * new function gets the other entries.
 */
import { toSkerryError } from '@skerry/shared/errors.ts';
import { effectivePort } from '@skerry/shared/function/mqtt-broker.ts';
import type { Sink } from '@skerry/shared/function/sinks.ts';
import type { Trigger } from '@skerry/shared/function/triggers.ts';
import type { Author, BindingService } from '../../bindings/bindings.ts';
import { checkBinding, checkDistinct } from '../../bindings/checks.ts';
import type { TriggerStatus } from '../../bindings/trigger-status.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Binding } from '../../model/catalog-function.ts';
import type { BindingList, FunctionUpload } from './upload.ts';

export type BindingResult = { readonly status: 'success' | 'error'; readonly message?: string };

/** Results per list; absent where the request had no such list. */
export type Connected = {
  readonly events?: BindingResult[];
  readonly sinks?: BindingResult[];
};

/** The author of the request, and whether it creates the function or changes one. */
type Deploy = { readonly by: Author; readonly isNew: boolean };

export type DeployBindingsOptions = {
  readonly catalog: Pick<Catalog, 'byId'>;
  readonly triggers: Pick<BindingService<Trigger>, 'replaceAll'>;
  readonly sinks: Pick<BindingService<Sink>, 'replaceAll'>;
  readonly triggerStatus: Pick<TriggerStatus, 'connected'>;
};

/** The result of one entry: its id, or why it is not connected. */
type Outcome =
  | { readonly id: string; readonly message?: undefined }
  | { readonly id?: undefined; readonly message: string };

/** Never rejects: the function is there, and the answer says which entries are not connected. */
export function createDeployBindings({ catalog, triggers, sinks, triggerStatus }: DeployBindingsOptions) {
  /** In the order of the list. */
  const attach = async <Spec extends Trigger | Sink>(
    service: Pick<BindingService<Spec>, 'replaceAll'>,
    functionId: string,
    asked: BindingList<Spec>,
    { by, isNew }: Deploy,
  ): Promise<Outcome[]> => {
    const checked = withChecks(asked);
    const specs = specsOf(checked);
    const others = (message: string) => checked.map((one): Outcome => ({ message: one.message ?? message }));
    // An invalid entry may be meant for an existing binding, which must not be removed for it.
    if (specs.length < asked.length && !isNew) {
      return others('not connected, because another entry of the list is invalid: nothing has changed');
    }
    try {
      const ids = (await service.replaceAll(functionId, specs, by)).values();
      return checked.map(({ message }) => (message === undefined ? { id: ids.next().value ?? '' } : { message }));
    } catch (error) {
      return others(toSkerryError(error).message);
    }
  };

  /** Why a trigger is not connected within the wait; undefined when it is. */
  const waitFor = async (trigger: Binding<Trigger> | undefined, waitMs: number): Promise<string | undefined> => {
    if (trigger?.spec.type !== 'mqtt') return undefined;
    const state = await triggerStatus.connected(trigger.id, waitMs);
    if (state?.state === 'up' || state?.state === 'holding') return undefined;
    const { params } = trigger.spec;
    const host = params.host.includes(':') ? `[${params.host}]` : params.host;
    const where = `${host}:${effectivePort(params)} ${params.topic}`;
    return `not connected within ${waitMs} ms, still trying: ${where} (${state?.error ?? 'no answer yet'})`;
  };

  return async (
    functionId: string,
    { events, sinks: to, eventsWaitMs }: FunctionUpload,
    deploy: Deploy,
  ): Promise<Connected> => {
    const eventOutcomes = events && (await attach(triggers, functionId, events, deploy));
    const sinkOutcomes = to && (await attach(sinks, functionId, to, deploy));
    const there = new Map(catalog.byId(functionId)?.triggers.map((trigger) => [trigger.id, trigger]));
    return {
      ...(eventOutcomes && {
        events: await Promise.all(
          eventOutcomes.map(async ({ id, message }) => {
            if (id === undefined) return resultOf(message);
            return resultOf(eventsWaitMs > 0 ? await waitFor(there.get(id), eventsWaitMs) : undefined);
          }),
        ),
      }),
      ...(sinkOutcomes && { sinks: sinkOutcomes.map(({ message }) => resultOf(message)) }),
    };
  };
}

/** One at a time, so that each fault is reported for its own entry. */
function withChecks<Spec extends Trigger | Sink>(asked: BindingList<Spec>): BindingList<Spec> {
  const good: Spec[] = [];
  return asked.map((one) => {
    if (one.spec === undefined) return one;
    try {
      checkBinding(one.spec);
      checkDistinct(one.spec, good);
    } catch (error) {
      return { message: toSkerryError(error).message };
    }
    good.push(one.spec);
    return one;
  });
}

function specsOf<Spec>(list: BindingList<Spec>): Spec[] {
  return list.flatMap(({ spec }) => (spec === undefined ? [] : [spec]));
}

function resultOf(message: string | undefined): BindingResult {
  return message === undefined ? { status: 'success' } : { status: 'error', message };
}
