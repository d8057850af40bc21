/**
 * Checks outcomes from agents: an agent may report outcomes of triggers that devices listen to, or listened to, and of
 * their functions. Other outcomes are left out, and logged, once in a while for each agent. The rest is stored, and the
 * agent forgets all of them.
 *
 * An agent may have been offline for long: its outcomes are valid even when the function or trigger is gone, or is
 * placed on other agents now. Ids of triggers cannot be guessed, and former ones are remembered
 * (db/catalog/former-triggers.ts) as long as ended invocations are. An outcome that fits none of them is invented, and
 * is not stored.
 *
 * Invariant: no outcome is refused for lack of knowledge. A catalog that is behind is refreshed first, at most once a
 * second. While the database is away, or a sink is full, the agent keeps all of them.
 */
import { SkerryError } from '@skerry/shared/errors.ts';
import type { RecordedOutcome } from '@skerry/shared/tunnel/protocol.ts';
import { createThrottle } from '../async/throttle.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { type FormerTrigger, findTriggers } from '../db/catalog/former-triggers.ts';
import { isUuid } from '../db/ids.ts';
import type { Store } from '../db/store.ts';
import type { Logger } from '../log/log.ts';
import { createLogThrottle } from '../log/log-throttle.ts';
import type { EndedInvocation, KeptInvocations } from '../model/invocation.ts';
import type { SinkCapacity } from '../sinks/capacity.ts';

type AgentOutcomesOptions = {
  readonly catalog: Pick<Catalog, 'byId' | 'functions' | 'refresh'>;
  readonly store: Pick<Store, 'read'>;
  readonly invocations: Pick<KeptInvocations, 'record'>;
  readonly sinkCapacity: Pick<SinkCapacity, 'assertAvailable'>;
  readonly log: Logger;
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
};

/** Later times are not stored: Postgres allows years with more digits than JavaScript. */
const lastMoment = Date.UTC(9999, 0);
/** Milliseconds between two refreshes of the catalog. */
const refreshMs = 1_000;
/** Milliseconds between two log lines about invented outcomes of one agent. */
const refusedLineMs = 60_000;

type Names = Pick<EndedInvocation, 'module' | 'name'>;

/**
 * Stores the outcomes; they are on disk when it resolves. Rejects with `store_unavailable`, or `queue_full` when a sink
 * is full.
 */
export function createAgentOutcomes(options: AgentOutcomesOptions) {
  const { catalog, store, invocations, sinkCapacity, log } = options;
  const refresh = createThrottle(catalog.refresh, options.now, refreshMs);
  const linesOfRefused = createLogThrottle(refusedLineMs, options.now);

  const inCatalog = ({ function: functionId, trigger }: RecordedOutcome): boolean =>
    catalog.byId(functionId)?.triggers.some(({ id, spec }) => id === trigger && spec.params.placement === 'edge') ??
    false;

  /** The outcomes whose trigger the catalog does not have at the reported place. */
  const findFormer = async (outcomes: readonly RecordedOutcome[]): Promise<ReadonlyMap<string, FormerTrigger>> => {
    const unknown = (one: RecordedOutcome) => isOfForm(one) && !inCatalog(one);
    if (!outcomes.some(unknown)) return new Map();
    await refresh();
    const ids = [...new Set(outcomes.filter(unknown).map(({ trigger }) => trigger))];
    if (ids.length === 0) return new Map();
    const { former, present } = await store.read((orm) => findTriggers(orm, ids));
    const known = new Set([...catalog.functions()].flatMap((fn) => fn.triggers.map(({ id }) => id)));
    if (present.some((id) => !known.has(id)))
      throw new SkerryError('store_unavailable', 'the catalog could not be refreshed');
    return new Map(former.map((one) => [one.id, one]));
  };

  const refusal = (outcome: RecordedOutcome, former: FormerTrigger | undefined): string | undefined => {
    if (!isOfForm(outcome)) return 'its id is invalid';
    if (inCatalog(outcome) || former?.functionId === outcome.function) return undefined;
    return 'no device listens to such a trigger of the function, nor did';
  };

  /** @param refused how many, of which this is the first */
  const tellRefused = (agent: string, refused: number, first: RecordedOutcome, reason: string | undefined) => {
    const count = linesOfRefused(agent, refused);
    if (count === undefined) return;
    const { id, function: functionId, trigger } = first;
    log.error(
      { agent, refused: count, invocation: id, function: functionId, trigger, reason },
      'outcomes of an agent are refused',
    );
  };

  const toEnded = (outcome: RecordedOutcome, agent: string, { module, name }: Names): EndedInvocation => {
    const moment = (time: number) => new Date(Math.min(time, lastMoment));
    return {
      id: outcome.id,
      functionId: outcome.function,
      module,
      name,
      revision: Math.min(outcome.revision, 0x7fff_ffff),
      origin: outcome.origin,
      triggerId: outcome.trigger,
      agent,
      attempts: Math.min(outcome.attempts, 0x7fff_ffff),
      createdAt: moment(outcome.createdAt),
      startedAt: moment(outcome.startedAt),
      endedAt: moment(outcome.endedAt),
      input: outcome.input,
      result: outcome.result,
    };
  };

  const keep = async (agent: string, outcomes: readonly RecordedOutcome[]): Promise<void> => {
    const former = await findFormer(outcomes);
    const taken: EndedInvocation[] = [];
    const refused: RecordedOutcome[] = [];
    for (const outcome of outcomes) {
      const before = former.get(outcome.trigger);
      const fn = catalog.byId(outcome.function);
      const names = fn ?? before;
      if (refusal(outcome, before) === undefined && names) {
        if (fn) sinkCapacity.assertAvailable(fn);
        taken.push(toEnded(outcome, agent, names));
      } else refused.push(outcome);
    }
    const [first] = refused;
    if (first) tellRefused(agent, refused.length, first, refusal(first, former.get(first.trigger)));
    await invocations.record(taken);
  };

  return async (agent: string, outcomes: readonly RecordedOutcome[]): Promise<void> => {
    await keep(agent, outcomes).catch((error: unknown) => {
      log.warn({ agent, outcomes: outcomes.length, err: error }, 'storing outcomes of an agent failed');
      throw error;
    });
  };
}

function isOfForm({ id, function: functionId, trigger }: RecordedOutcome): boolean {
  return [id, functionId, trigger].every(isUuid);
}
