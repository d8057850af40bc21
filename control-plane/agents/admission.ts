/**
 * Decides whether an agent may have a tunnel.
 *
 * Invariants: a use of a join token is taken in the transaction that inserts the agent, or not at all. A revoked key is
 * never admitted again. An agent's epoch only rises, even over times when it was counted in memory.
 */

import { SkerryError } from '@skerry/shared/errors.ts';
import type { Labels } from '@skerry/shared/function/names.ts';
import { type CloseName, closeKinds } from '@skerry/shared/tunnel/close.ts';
import { hashToken } from '../crypto/tokens.ts';
import { type AgentRow, insertAgent, isRevokedKey, updateAgent } from '../db/agents/agents.ts';
import { takeJoinTokenUse } from '../db/agents/join-tokens.ts';
import { violates } from '../db/errors.ts';
import type { Orm, Store } from '../db/store.ts';

/** An agent's request for a tunnel. Its signature has been checked. */
export type Hello = {
  /** Raw Ed25519 key, 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly name: string;
  readonly labels: Labels;
  readonly agentVersion: string;
  /** Used when the key is unknown. */
  readonly joinToken?: string | undefined;
};

/** The decision about a tunnel. Of two tunnels of one agent, the one with the higher epoch is current. */
export type Admission =
  | {
      readonly ok: true;
      readonly agentId: string;
      readonly name: string;
      /** The agent's own labels, and those of its join token. */
      readonly labels: Labels;
      readonly epoch: number;
    }
  | { readonly ok: false; readonly close: CloseName; readonly message: string };

/** Reserved names: `/v1/agents/tokens` are the join tokens. */
const reservedNames: ReadonlySet<string> = new Set(['tokens']);

type Admissions = {
  admit(hello: Hello): Promise<Admission>;
  /** The key was revoked: it is not admitted from memory either. */
  forget(publicKey: Uint8Array): void;
};

type Known = { readonly agentId: string; readonly name: string; readonly granted: Labels; epoch: number };

export function createAdmissions(store: Store, now: () => Date): Admissions {
  /** Agents admitted since the start, by key in hex. At most one entry per agent in the database. */
  const known = new Map<string, Known>();

  const admitInStore = async (hello: Hello, key: string): Promise<Admission> => {
    const row = await store.change(
      async (orm) => (await welcomeBack(orm, hello, now(), known.get(key)?.epoch ?? 0)) ?? enrol(orm, hello, now()),
    );
    if ('close' in row) {
      known.delete(key);
      return row;
    }
    known.set(key, { agentId: row.id, name: row.name, granted: row.grantedLabels, epoch: row.epoch });
    return admitted(row.id, row.name, { ...row.labels, ...row.grantedLabels }, row.epoch);
  };

  /**
   * Two agents that arrive together can collide at either unique index, of keys or of names. A second look tells the
   * cases apart: the same key, which the other one has enrolled by now, or the same name.
   */
  const admitWithSecondLook = async (hello: Hello, key: string): Promise<Admission> => {
    try {
      return await admitInStore(hello, key);
    } catch (error) {
      if (!violates(error, 'agents_name_unique') && !violates(error, 'agents_public_key_unique')) throw error;
    }
    try {
      return await admitInStore(hello, key);
    } catch (error) {
      if (violates(error, 'agents_name_unique')) return refused('name_taken');
      throw error;
    }
  };

  const admitInMemory = (hello: Hello, key: string): Admission | undefined => {
    const agent = known.get(key);
    if (!agent) return undefined;
    agent.epoch += 1;
    return admitted(agent.agentId, agent.name, { ...hello.labels, ...agent.granted }, agent.epoch);
  };

  return {
    async admit(hello) {
      if (reservedNames.has(hello.name)) {
        return refused('name_taken', `the name "${hello.name}" is reserved; choose another one`);
      }
      const key = Buffer.from(hello.publicKey).toString('hex');
      try {
        return await admitWithSecondLook(hello, key);
      } catch (error) {
        const away = error instanceof SkerryError && error.code === 'store_unavailable';
        const admission = away ? admitInMemory(hello, key) : undefined;
        if (admission) return admission;
        throw error;
      }
    },
    forget(publicKey) {
      const key = Buffer.from(publicKey).toString('hex');
      known.delete(key);
    },
  };
}

type Refused = Extract<Admission, { ok: false }>;

async function welcomeBack(
  orm: Orm,
  hello: Hello,
  at: Date,
  epochInMemory: number,
): Promise<AgentRow | Refused | undefined> {
  const row = await updateAgent(orm, hello, at, epochInMemory);
  if (row) return row;
  // Another process may have enrolled this key a moment ago: only a revoked row is a refusal.
  return (await isRevokedKey(orm, hello.publicKey)) ? refused('revoked') : undefined;
}

async function enrol(orm: Orm, hello: Hello, at: Date): Promise<AgentRow | Refused> {
  if (hello.joinToken === undefined) {
    return refused('join_refused', 'this agent is unknown: it needs a join token');
  }
  const token = await takeJoinTokenUse(orm, hashToken(hello.joinToken), at);
  if (!token) return refused('join_refused');
  const row = await insertAgent(orm, hello, token.labels, at);
  if (!row) throw new SkerryError('internal', 'the inserted agent did not come back');
  return row;
}

function admitted(agentId: string, name: string, labels: Labels, epoch: number): Admission {
  return { ok: true, agentId, name, labels, epoch };
}

function refused(close: CloseName, message: string = closeKinds[close].meaning): Refused {
  return { ok: false, close, message };
}
