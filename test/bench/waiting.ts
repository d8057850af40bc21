/** Measures time and memory of a thousand concurrent calls of a function that waits for a second. */
import { readFileSync } from 'node:fs';
import type { Api } from '../harness/api.ts';
import { type Resident, residentMemory } from './memory.ts';

export type Waiting = {
  readonly calls: number;
  readonly milliseconds: number;
  /** Maximum of agent and runner, and the value before, in bytes. */
  readonly peak: number;
  readonly before: number;
};

const component = new URL('../fixtures/wait.wasm', import.meta.url);
const sampleMs = 20;

export async function measureWaiting(
  api: Api,
  pids: { agent: number; controlPlane: number },
  calls = 1_000,
): Promise<Waiting> {
  const created = await api.upload('POST', '/v1/fn/_', 'waiting', readFileSync(component));
  if (created.status !== 201) throw new Error(`deploying failed: ${JSON.stringify(created.body)}`);
  const call = async (ms: number) => {
    const answer = await api.call('POST', '/v1/fn/_/waiting', { args: ms });
    if (answer.status !== 200) throw new Error(`a call failed: ${JSON.stringify(answer.body)}`);
  };
  const sum = ({ agent, runner }: Resident) => agent + runner;
  await call(1);
  const before = sum(residentMemory(pids));
  let peak = before;
  const sampling = setInterval(() => {
    peak = Math.max(peak, sum(residentMemory(pids)));
  }, sampleMs);
  const start = performance.now();
  await Promise.all(Array.from({ length: calls }, () => call(1_000)));
  const milliseconds = performance.now() - start;
  clearInterval(sampling);
  return { calls, milliseconds, peak, before };
}
