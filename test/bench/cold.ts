/**
 * Measures the first call of a component that is new to the agent. It is deployed without waiting and called at once, so
 * the call waits while the code is pushed, stored, compiled and instantiated.
 */
import { randomBytes } from 'node:crypto';
import type { Api } from '../harness/api.ts';

/** Size of the component: half of it is the code of our largest example, half a custom section of noise. */
const coldBytes = 2_000_000;

export type ColdStart = { readonly bytes: number; readonly milliseconds: readonly number[] };

export async function measureColdStart(api: Api, example: Uint8Array, times = 5): Promise<ColdStart> {
  const milliseconds: number[] = [];
  const component = padded(example, coldBytes);
  for (let n = 0; n < times; n++) {
    // Another memory limit makes another bundle, which the agent does not have.
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

/** Fills a component up with a custom section at its end (component model, Binary.md: id 0, size, name, bytes). */
function padded(component: Uint8Array, bytes: number): Uint8Array {
  const missing = bytes - component.byteLength - 8;
  if (missing <= 0) return component;
  const name = [4, ...Buffer.from('fill')];
  const size = missing + name.length;
  const length = [size, size >> 7, size >> 14, size >> 21].map((part, at) => (part & 0x7f) | (at < 3 ? 0x80 : 0));
  return Buffer.concat([component, Uint8Array.from([0, ...length, ...name]), randomBytes(missing)]);
}
