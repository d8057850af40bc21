/**
 * The default policy: the agent with the most memory available, less the reservations of calls in flight.
 *
 * Agents that already have the code come before those that would have to fetch it. An agent that has not reported yet
 * is kept (it may be the only one) but comes after those that have. Ties go to the agent with fewer calls in flight,
 * then to chance. When no agent has reported, chance decides (FunLess's fallback).
 */
import type { Candidate, Policy } from './candidate.ts';

export const defaultPolicy: Policy = (candidates, capacityBytes, random) => {
  if (candidates.length === 0) return { code: 'no_agent' };
  if (candidates.every((candidate) => candidate.memoryAvailable === undefined)) {
    const ready = candidates.filter((candidate) => candidate.ready);
    const pool = ready.length > 0 ? ready : candidates;
    const agent = pool[Math.floor(random() * pool.length)];
    return agent ? { agent } : { code: 'no_agent' };
  }
  let best: (typeof candidates)[number] | undefined;
  let ties = 0;
  for (const candidate of candidates) {
    if (!fits(candidate, capacityBytes)) continue;
    const order = best ? compare(candidate, best) : 1;
    if (order > 0) {
      best = candidate;
      ties = 1;
    } else if (order === 0) {
      // Reservoir sampling: each of n equal candidates is kept with probability 1/n.
      ties += 1;
      if (random() * ties < 1) best = candidate;
    }
  }
  return best ? { agent: best } : { code: 'no_capacity' };
};

function fits(candidate: Candidate, capacityBytes: number): boolean {
  if (candidate.memoryAvailable === undefined) return true;
  return candidate.memoryAvailable - candidate.reserved >= capacityBytes;
}

function compare(a: Candidate, b: Candidate): number {
  return Number(a.ready) - Number(b.ready) || free(a) - free(b) || b.running - a.running;
}

function free(candidate: Candidate): number {
  return candidate.memoryAvailable === undefined ? -1 : candidate.memoryAvailable - candidate.reserved;
}
