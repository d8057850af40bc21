/** Asynchronous calls for tests, and their results. */
import { expect, vi } from 'vitest';
import type { Answer, Harness } from './harness.ts';

/** An invocation of GET /v1/invocations/{id}. */
export type Told = {
  id: string;
  state: string;
  attempts: number;
  input?: unknown;
  output?: unknown;
  output_encoding?: string;
  error: { code: string; message: string } | null;
  callback: { url: string; state: string } | null;
  created_by: string;
  agent: string;
};

/** Milliseconds until a state must be reached. */
export const patience = { timeout: 10_000, interval: 20 };

/** @param usual name of the function that is called by default */
export function createAsyncCalls(h: () => Harness, usual: string) {
  const get = async (id: string): Promise<Told> =>
    ((await h().request('GET', `/v1/invocations/${id}`)).json as { data: Told }).data;
  return {
    call: (args: unknown, headers: Record<string, string> = {}, name = usual): Promise<Answer> =>
      h().request('POST', `/v1/fn/_/${name}`, { json: { args }, headers: { prefer: 'respond-async', ...headers } }),
    idOf: ({ json }: Answer) => (json as { data: { id: string } }).data.id,
    get,
    /** Resolves as soon as the invocation is in the state. */
    reached: (id: string, state: string): Promise<Told> =>
      vi.waitFor(async () => {
        const told = await get(id);
        expect(told.state).toBe(state);
        return told;
      }, patience),
  };
}
