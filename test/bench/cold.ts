/**
 * First call of a component that the agent has never seen: deployed without waiting, called at once, so that the
 * call waits while the code is pushed, stored, compiled and instantiated.
 */
import type { Api } from '../harness/api.ts';

export type ColdStart = { readonly bytes: number; readonly milliseconds: readonly number[] };

export async function measureColdStart(api: Api, component: Uint8Array, times = 5): Promise<ColdStart> {
  const milliseconds: number[] = [];
  for (let n = 0; n < times; n++) {
    // Another memory limit makes another bundle, which no agent has.
    const manifest = { limits: { memory_bytes: (64 + n) * 1024 * 1024 } };
    const fields = { wait_for_workers: 'false', manifest };
    const created = await api.upload('POST', '/v1/fn/_', `cold${n}`, component, fields);
    if (created.status !== 201) throw new Error(`deploying failed: ${JSON.stringify(created.body)}`);
    const start = performance.now();
    const answer = await api.call('POST', `/v1/fn/_/cold${n}`, { args: { name: 'Ada' } });
    milliseconds.push(performance.now() - start);
    if (answer.status !== 200) throw new Error(`the call failed: ${JSON.stringify(answer.body)}`);
  }
  return { bytes: component.byteLength, milliseconds };
}
