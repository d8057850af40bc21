/**
 * Agents in the database: who may have a tunnel, and when each was last seen. The tunnels themselves are in tunnel/.
 */
import { SkerryError } from '@skerry/shared/errors.ts';
import type { Labels } from '@skerry/shared/function/names.ts';
import { type AgentRow, findAgent, listAgents, revokeAgent } from '../db/agents/agents.ts';
import { isName } from '../db/ids.ts';
import type { Store } from '../db/store.ts';
import type { Logger } from '../log/log.ts';
import { type Admission, createAdmissions, type Hello } from './admission.ts';
import { createLastSeen } from './last-seen.ts';

export type AgentRecord = {
  readonly id: string;
  readonly name: string;
  readonly labels: Labels;
  readonly version: string;
  /** Generation that the agent last reported as applied. */
  readonly applied: number;
  readonly createdAt: Date;
  readonly lastSeenAt: Date;
};

export type AgentService = {
  /**
   * Admits an agent with a known key, or with a valid join token; a refusal costs no use of the token. While the
   * database is away, keys that were admitted since the start are admitted from memory.
   * @throws SkerryError store_unavailable
   */
  admit(hello: Hello): Promise<Admission>;
  /** Notes that the agent was seen. Best effort: written some seconds later, lost when that fails. */
  seen(agentId: string, appliedGeneration: number): void;
  /** All agents that are not revoked, by name. @throws SkerryError store_unavailable */
  list(): Promise<AgentRecord[]>;
  /** By id or name. @throws SkerryError not_found, store_unavailable */
  get(idOrName: string): Promise<AgentRecord>;
  /** Revokes the right to a tunnel: the key is never admitted again. Returns the agent's id. */
  revoke(idOrName: string): Promise<string>;
  close(): Promise<void>;
};

type AgentServiceOptions = { readonly store: Store; readonly log: Logger; readonly now: () => Date };

export function createAgentService({ store, log, now }: AgentServiceOptions): AgentService {
  const admissions = createAdmissions(store, now);
  const sightings = createLastSeen(store, log, now);

  const checkName = (idOrName: string) => {
    if (!isName(idOrName)) throw missing(idOrName);
  };
  const found = <T>(row: T | undefined, idOrName: string): T => {
    if (!row) throw missing(idOrName);
    return row;
  };

  return {
    admit: admissions.admit,
    seen: sightings.note,
    list: async () => (await store.read(listAgents)).map(toRecord),
    async get(idOrName) {
      checkName(idOrName);
      const row = await store.read((orm) => findAgent(orm, idOrName));
      return toRecord(found(row, idOrName));
    },
    async revoke(idOrName) {
      checkName(idOrName);
      const row = await store.change((orm) => revokeAgent(orm, idOrName, now()));
      const { id, publicKey } = found(row, idOrName);
      admissions.forget(publicKey);
      return id;
    },
    close: sightings.close,
  };
}

function missing(idOrName: string): SkerryError {
  return new SkerryError('not_found', `There is no agent "${idOrName}"`);
}

function toRecord(row: AgentRow): AgentRecord {
  const { id, name, version, applied, createdAt, lastSeenAt } = row;
  return { id, name, labels: { ...row.labels, ...row.grantedLabels }, version, applied, createdAt, lastSeenAt };
}
