/** Asynchronous invocations over real HTTP: stored, run, read back, cancelled, replayed. */
import { randomBytes } from 'node:crypto';
import { type ErrorCode, SkerryError } from '@skerry/shared/errors.ts';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { InvocationRequest } from '../../../control-plane/invoke/invoker.ts';
import { createAsyncCalls, patience } from '../../../control-plane/testing/async-calls.ts';
import { create, type Harness, type RequestOptions } from '../../../control-plane/testing/harness.ts';

export function describeInvocations(h: () => Harness): void {
  describe('asynchronous invocations', () => {
    const retry = '{"retry":{"attempts":3,"base_ms":10,"cap_ms":20}}';
    beforeAll(async () => {
      await create(h(), 'deferred', 'wasm deferred', { manifest: retry });
      await create(h(), 'deferred-small', 'wasm small', { manifest: '{"limits":{"input_bytes":10}}' });
    });
    afterEach(() => {
      h().invoker.behave = async ({ input }) => input;
    });

    const { call, idOf, get, reached } = createAsyncCalls(h, 'deferred');
    /** Holds calls with the given input until the test releases them. */
    const hold = (held: unknown) => {
      const begun = Promise.withResolvers<InvocationRequest>();
      const go = Promise.withResolvers<void>();
      h().invoker.behave = async (invocation) => {
        if (JSON.parse(Buffer.from(invocation.input).toString()) === held) {
          begun.resolve(invocation);
          const ended = new Promise<never>((_, reject) =>
            invocation.signal?.addEventListener('abort', () => reject(invocation.signal?.reason)),
          );
          await Promise.race([go.promise, ended]);
        }
        return invocation.input;
      };
      return { begun: begun.promise, go: go.resolve };
    };

    /** Registers an agent of this name with the harness. */
    const admit = async (name: string) => {
      const created = await h().request('POST', '/v1/agents/tokens', { json: {} });
      const { token } = (created.json as { data: { token: string } }).data;
      const hello = { publicKey: randomBytes(32), name, labels: {}, agentVersion: '0.1.0', joinToken: token };
      expect(await h().controlPlane.agents.admit(hello)).toMatchObject({ ok: true });
    };

    test('a 202 says where the outcome will be, and it appears there', async () => {
      await admit('pi');
      const answer = await call({ name: 'Ada' }, { 'x-skerry-agent': 'pi', traceparent: '00-abc' });
      const id = idOf(answer);
      expect(answer.status).toBe(202);
      expect(Object.fromEntries(answer.headers)).toMatchObject({
        location: `/v1/invocations/${id}`,
        'preference-applied': 'respond-async',
        'x-skerry-invocation': id,
        'x-request-id': expect.any(String),
      });
      expect(await reached(id, 'succeeded')).toMatchObject({
        id,
        module: '_',
        function: 'deferred',
        origin: 'api',
        trigger: null,
        revision: 1,
        attempts: 1,
        agent: 'pi',
        only_agent: 'pi',
        output: { name: 'Ada' },
        error: null,
        callback: null,
        created_by: 'admin',
        created_at: expect.any(String),
        started_at: expect.any(String),
        ended_at: expect.any(String),
        deliveries: [],
      });
      expect(h().invoker.last).toMatchObject({
        id,
        agent: 'pi',
        traceparent: '00-abc',
        function: { name: 'deferred' },
      });
    });

    test('a call for an unknown agent is refused, and so is one for a revoked agent', async () => {
      await admit('short-lived');
      const { agents } = h().controlPlane;
      const { id } = await agents.get('short-lived');
      const byId = idOf(await call({}, { 'x-skerry-agent': id }));
      expect(await reached(byId, 'succeeded')).toMatchObject({ only_agent: 'short-lived' });
      await agents.revoke(id);
      for (const name of ['short-lived', 'never-there', 'no name', id]) {
        expect(await call({}, { 'x-skerry-agent': name })).toMatchObject({
          status: 404,
          json: { errors: { code: 'not_found', message: `There is no agent "${name}"` } },
        });
      }
    });

    test('the raw endpoint returns bytes that are not JSON in base64', async () => {
      const body = new Uint8Array([0, 255, 1]);
      const headers = { prefer: 'wait=5, Respond-Async' };
      const answer = await h().request('PUT', '/function/deferred/some/path', { body, headers });
      expect(answer.status).toBe(202);
      expect(await reached(idOf(answer), 'succeeded')).toMatchObject({ output: 'AP8B', output_encoding: 'base64' });
    });

    test('another preference changes nothing', async () => {
      const answer = await call({}, { prefer: 'return=minimal, respond-asynchronously' });
      expect(answer).toMatchObject({ status: 200, text: '{"data":{}}' });
    });

    test('a failing function is tried as often as its manifest says; then the invocation is dead and can be replayed', async () => {
      let calls = 0;
      h().invoker.behave = async () => {
        calls += 1;
        throw new SkerryError('function_error', `no ${calls}`);
      };
      const id = idOf(await call({ n: 1 }));
      expect(await reached(id, 'dead')).toMatchObject({
        attempts: 3,
        error: { code: 'function_error', message: 'no 3' },
        input: { n: 1 },
      });
      expect(calls).toBe(3);
      h().invoker.behave = async () => Buffer.from('"well"');
      const replay = await h().request('POST', `/v1/invocations/${id}/replay`);
      expect(replay).toMatchObject({ status: 202, json: { data: { id } } });
      expect(await reached(id, 'succeeded')).toMatchObject({ attempts: 1, output: 'well', error: null });
      const again = await h().request('POST', `/v1/invocations/${id}/replay`);
      expect(again).toMatchObject({ status: 409, json: { errors: { code: 'conflict' } } });
    });

    test.each(['no_agent', 'agent_busy', 'function_held_back', 'agent_unreachable'] as ErrorCode[])(
      '%s costs no attempt, and the row says why it waits',
      async (code) => {
        let calls = 0;
        let away = true;
        h().invoker.behave = async ({ input }) => {
          calls += 1;
          if (away) throw new SkerryError(code, 'no agent is there');
          return input;
        };
        const id = idOf(await call({}));
        await vi.waitFor(() => expect(calls).toBeGreaterThan(4), patience);
        await vi.waitFor(async () => {
          expect(await get(id)).toMatchObject({ attempts: 0, error: { code, message: 'no agent is there' } });
        }, patience);
        away = false;
        expect(await reached(id, 'succeeded')).toMatchObject({ attempts: 1, error: null });
      },
    );

    test('a running invocation that is cancelled ends its call, and stays cancelled', async () => {
      const { begun } = hold('runs');
      const id = idOf(await call('runs'));
      const { signal } = await begun;
      expect(await get(id)).toMatchObject({ state: 'running' });
      expect(await h().request('DELETE', `/v1/invocations/${id}`)).toMatchObject({ status: 204 });
      await vi.waitFor(() => expect(signal?.aborted).toBe(true), patience);
      expect(await get(id)).toMatchObject({ state: 'cancelled', error: { code: 'cancelled' } });
      const again = await h().request('DELETE', `/v1/invocations/${id}`);
      expect(again).toMatchObject({ status: 409, json: { errors: { code: 'conflict' } } });
    });

    test('a waiting invocation that is cancelled never runs, until it is replayed', async () => {
      h().invoker.behave = () => Promise.reject(new SkerryError('no_agent', 'nobody'));
      const id = idOf(await call('waits'));
      await vi.waitFor(async () => expect((await get(id)).error?.code).toBe('no_agent'), patience);
      // Its next attempt may run right now. Then it is cancelled while it runs.
      expect(await h().request('DELETE', `/v1/invocations/${id}`)).toMatchObject({ status: 204 });
      h().invoker.behave = async ({ input }) => input;
      expect(idOf(await h().request('POST', `/v1/invocations/${id}/replay`))).toBe(id);
      expect(await reached(id, 'succeeded')).toMatchObject({ output: 'waits' });
    });

    test('one job refers to a waiting invocation, even after several cancels and replays', async () => {
      h().invoker.behave = () => Promise.reject(new SkerryError('no_agent', 'nobody'));
      const id = idOf(await call('again and again'));
      await vi.waitFor(async () => expect((await get(id)).error?.code).toBe('no_agent'), patience);
      for (let round = 0; round < 4; round += 1) {
        expect(await h().request('DELETE', `/v1/invocations/${id}`)).toMatchObject({ status: 204 });
        expect(await h().request('POST', `/v1/invocations/${id}/replay`)).toMatchObject({ status: 202 });
      }
      const jobs = `select 1 from pgboss.job where name = 'invocations' and state <= 'active' and data->>'id' = $1`;
      await vi.waitFor(async () => expect(await h().controlPlane.store.execute(jobs, [id])).toHaveLength(1), patience);
      h().invoker.behave = async ({ input }) => input;
      await reached(id, 'succeeded');
      await vi.waitFor(async () => expect(await h().controlPlane.store.execute(jobs, [id])).toHaveLength(0), patience);
    });

    test('the same Idempotency-Key is the same invocation; with another request it is refused', async () => {
      const key = { 'idempotency-key': `key-${Date.now()}` };
      const first = await call({ n: 1 }, key);
      const second = await call({ n: 1 }, key);
      expect([first.status, second.status]).toEqual([202, 202]);
      expect(idOf(second)).toBe(idOf(first));
      expect(await call({ n: 2 }, key)).toMatchObject({ status: 409, json: { errors: { code: 'conflict' } } });
      expect(idOf(await call({}, key, 'deferred-small'))).not.toBe(idOf(first));
      const many = await Promise.all(
        Array.from({ length: 5 }, () => call('x', { 'idempotency-key': `k${key['idempotency-key']}` })),
      );
      expect(new Set(many.map(idOf)).size).toBe(1);
    });

    test('the same Idempotency-Key of another subject is another invocation', async () => {
      const { json } = await h().request('POST', '/v1/admin/subjects', { json: { subject: { name: 'bob' } } });
      const { token } = (json as { data: { token: string } }).data;
      const headers = { prefer: 'respond-async', 'idempotency-key': `of-two-${Date.now()}` };
      const ask = (args: unknown, options: RequestOptions = {}) =>
        h().request('POST', '/v1/fn/_/deferred', { json: { args }, headers, ...options });
      const mine = await ask({ n: 1 });
      const others = await ask({ n: 2 }, { token });
      expect([mine.status, others.status]).toEqual([202, 202]);
      expect(idOf(others)).not.toBe(idOf(mine));
      expect(idOf(await ask({ n: 2 }, { token }))).toBe(idOf(others));
      await h().request('DELETE', '/v1/admin/subjects/bob');
    });

    test('deleting a function deletes its waiting invocations', async () => {
      await create(h(), 'deferred-passing', 'wasm passing', { manifest: retry });
      h().invoker.behave = () => Promise.reject(new SkerryError('no_agent', 'nobody'));
      const id = idOf(await call({}, {}, 'deferred-passing'));
      expect(await h().request('DELETE', '/v1/fn/_/deferred-passing')).toMatchObject({ status: expect.any(Number) });
      expect(await reached(id, 'dead')).toMatchObject({
        error: { code: 'not_found', message: expect.stringContaining('deleted') },
      });
    });
  });
}
