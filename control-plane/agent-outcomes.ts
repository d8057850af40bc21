/**
 * Outcomes that agents send home, taken for what they may be: an agent may tell of functions that it shall hold, and of
 * their triggers. What it may not tell is left out, and told of in the log; the rest is kept, and the agent forgets all
 * of it.
 *
 * An agent may have been away for long: a function or a trigger that is gone does not make its outcomes worthless.
 */
import { type Labels, labelsMatch } from '@skerry/shared/names.ts';
import type { RecordedOutcome } from '@skerry/shared/protocol.ts';
import type { Catalog } from './catalog.ts';
import type { CatalogFunction } from './catalog-function.ts';
import { isUuid } from './db/ids.ts';
import type { EndedInvocation, KeptInvocations } from './kept.ts';
import type { Logger } from './log.ts';

export type Sender = { readonly name: string; readonly labels: Labels };

export type AgentOutcomesOptions = {
  readonly catalog: Pick<Catalog, 'byId' | 'functions' | 'refresh'>;
  readonly invocations: Pick<KeptInvocations, 'record'>;
  readonly log: Logger;
};

/** Module and name of a function that nobody remembers. */
const forgotten = '-';
/** Functions whose names are remembered. */
const maxNames = 10_000;
/** Moments after this one are not stored: Postgres has years of more digits than JavaScript's. */
const lastMoment = Date.UTC(9999, 0);

/** Id of the function of each trigger that there is. */
type Owners = ReadonlyMap<string, string>;

/** What keeps them: on disk when it resolves. Rejects with `store_unavailable`. */
export function createAgentOutcomes({ catalog, invocations, log }: AgentOutcomesOptions) {
  /** Names of functions that are gone, as they were last seen here. */
  const names = new Map<string, Pick<CatalogFunction, 'module' | 'name'>>();

  const remember = ({ id, module, name }: CatalogFunction) => {
    names.delete(id);
    names.set(id, { module, name });
    const [oldest] = names.keys();
    if (names.size > maxNames && oldest !== undefined) names.delete(oldest);
  };

  const refusal = (outcome: RecordedOutcome, sender: Sender, owners: () => Owners): string | undefined => {
    const { id, function: functionId, trigger } = outcome;
    if (![id, functionId, trigger].every(isUuid)) return 'it has an id that is none';
    const fn = catalog.byId(functionId);
    if (fn && !labelsMatch(fn.manifest.placement.labels, sender.labels)) return 'the agent is not to hold the function';
    if (fn?.triggers.some((one) => one.id === trigger)) return undefined;
    return owners().has(trigger) ? 'the trigger is of another function' : undefined;
  };

  const endedOf = (outcome: RecordedOutcome, sender: Sender): EndedInvocation => {
    const fn = catalog.byId(outcome.function);
    if (fn) remember(fn);
    const { module, name } = fn ?? names.get(outcome.function) ?? { module: forgotten, name: forgotten };
    const moment = (time: number) => new Date(Math.min(time, lastMoment));
    return {
      id: outcome.id,
      functionId: outcome.function,
      module,
      name,
      revision: Math.min(outcome.revision, 0x7fff_ffff),
      origin: outcome.origin,
      triggerId: outcome.trigger,
      agent: sender.name,
      attempts: Math.min(outcome.attempts, 0x7fff_ffff),
      createdAt: moment(outcome.createdAt),
      startedAt: moment(outcome.startedAt),
      endedAt: moment(outcome.endedAt),
      input: outcome.input,
      result: outcome.result,
    };
  };

  return async (sender: Sender, outcomes: readonly RecordedOutcome[]): Promise<void> => {
    // Another control plane may have given the agent what this one has not heard of yet.
    if (outcomes.some((outcome) => !catalog.byId(outcome.function))) await catalog.refresh();
    let known: Owners | undefined;
    const owners = () => {
      known ??= triggerOwners(catalog);
      return known;
    };
    const taken = outcomes.filter((outcome) => {
      const reason = refusal(outcome, sender, owners);
      if (reason === undefined) return true;
      const { id, function: fn, trigger } = outcome;
      log.error({ agent: sender.name, invocation: id, function: fn, trigger, reason }, 'an outcome is refused');
      return false;
    });
    await invocations.record(taken.map((outcome) => endedOf(outcome, sender))).catch((error: unknown) => {
      log.warn({ agent: sender.name, outcomes: taken.length, err: error }, 'outcomes of an agent could not be kept');
      throw error;
    });
  };
}

function triggerOwners(catalog: Pick<Catalog, 'functions'>): Owners {
  return new Map([...catalog.functions()].flatMap((fn) => fn.triggers.map(({ id }) => [id, fn.id] as const)));
}
