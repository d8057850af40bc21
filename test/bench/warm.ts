/** Measures the memory of warm functions: of the first with its runner, and of each further one. */
import { readFileSync } from 'node:fs';
import type { Api } from '../harness/api.ts';
import { residentMemory } from './memory.ts';

export type Warm = {
  /** Agent and runner with one warm function, in bytes. */
  readonly one: number;
  /** Bytes that each further function added. */
  readonly further: number;
};

const component = new URL('../fixtures/handler.wasm', import.meta.url);
const furtherFunctions = 10;

export async function measureWarm(api: Api, pids: { agent: number; controlPlane: number }): Promise<Warm> {
  const memory = () => {
    const { agent, runner } = residentMemory(pids);
    return agent + runner;
  };
  const warm = async (n: number) => {
    // Another memory limit makes another bundle, with code of its own.
    const manifest = { limits: { memory_bytes: (16 + n) * 1024 * 1024 } };
    const created = await api.upload('POST', '/v1/fn/_', `warm${n}`, readFileSync(component), { manifest });
    if (created.status !== 201) throw new Error(`deploying failed: ${JSON.stringify(created.body)}`);
    for (let call = 0; call < 20; call++) {
      const answer = await api.call('POST', `/v1/fn/_/warm${n}`, { args: {} });
      if (answer.status !== 200) throw new Error(`a call failed: ${JSON.stringify(answer.body)}`);
    }
  };
  await warm(0);
  const one = memory();
  for (let n = 1; n <= furtherFunctions; n++) await warm(n);
  return { one, further: (memory() - one) / furtherFunctions };
}
