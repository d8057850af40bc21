/**
 * The last lines of a function from many agents, as one list. Answers are merged as they come, and only `limit` lines
 * are kept meanwhile, for any number of agents.
 */
import type { LogLine } from '@skerry/shared/tunnel/protocol.ts';
import type { Session } from './session.ts';

export type FunctionLogs = {
  /** By time, oldest first. Each agent has its own clock. */
  readonly lines: readonly (LogLine & { readonly agent: string })[];
  /** Names of agents that did not answer in time. */
  readonly missing: readonly string[];
};

/** @param limit lines at most, of each agent and in all */
export async function gatherLogs(
  sessions: readonly Pick<Session, 'name' | 'logs'>[],
  functionId: string,
  limit: number,
): Promise<FunctionLogs> {
  let lines: FunctionLogs['lines'] = [];
  const missing: string[] = [];
  const gather = async ({ name: agent, logs }: (typeof sessions)[number]) => {
    const more = await logs(functionId, limit).catch(() => undefined);
    if (!more) return void missing.push(agent);
    lines = [...lines, ...more.map((line) => ({ ...line, agent }))].sort((a, b) => a.time - b.time).slice(-limit);
  };
  await Promise.all(sessions.map(gather));
  return { lines, missing: missing.sort() };
}
