/** Callbacks: outcomes POSTed to the URL of an asynchronous call, over real HTTP. */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Answer, create, type Harness } from '../../../control-plane/testing/harness.ts';

type Told = { callback: { url: string; state: string } | null; agent: string };

const patience = { timeout: 10_000, interval: 20 };

export function describeCallbacks(h: () => Harness): void {
  describe('callbacks', () => {
    beforeAll(async () => {
      await create(h(), 'hooked', 'wasm hooked');
    });
    afterEach(() => {
      h().invoker.behave = async ({ input }) => input;
    });
    const call = (args: unknown, headers: Record<string, string>): Promise<Answer> =>
      h().request('POST', '/v1/fn/_/hooked', { json: { args }, headers: { prefer: 'respond-async', ...headers } });
    const idOf = ({ json }: Answer) => (json as { data: { id: string } }).data.id;
    const get = async (id: string): Promise<Told> =>
      ((await h().request('GET', `/v1/invocations/${id}`)).json as { data: Told }).data;

    type Received = { headers: IncomingHttpHeaders; body: string };
    let receiver: Server;
    let url: string;
    let received: Received[];
    let status: () => number;
    beforeAll(async () => {
      receiver = createServer({ keepAliveTimeout: 60_000 }, async (request, response) => {
        let body = '';
        for await (const part of request) body += part;
        received.push({ headers: request.headers, body });
        response.writeHead(status(), { location: url }).end('thanks');
      });
      receiver.listen(0, '127.0.0.1');
      await once(receiver, 'listening');
      url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
    });
    afterAll(() => void receiver.close());

    test('are signed, tried again after a 500, and shown in the invocation', async () => {
      received = [];
      status = () => (received.length === 1 ? 500 : 204);
      const id = idOf(await call({ n: 7 }, { 'x-callback-url': url }));
      const told = await vi.waitFor(async () => {
        const found = await get(id);
        expect(found.callback).toEqual({ url, state: 'delivered' });
        return found;
      }, patience);
      expect(received).toHaveLength(2);
      const key = await h().request('GET', `/v1/callback-key?url=${encodeURIComponent(url)}`);
      const secret = Buffer.from((key.json as { data: { key: string } }).data.key.replace('whsec_', ''), 'base64');
      expect(secret).toHaveLength(32);
      for (const { headers, body } of received) {
        const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
        const signature = createHmac('sha256', secret).update(signed).digest('base64');
        expect(headers['webhook-signature']).toBe(`v1,${signature}`);
        expect(Math.abs(Number(headers['webhook-timestamp']) * 1_000 - Date.now())).toBeLessThan(60_000);
        const { data, ...head } = JSON.parse(body);
        expect(head).toEqual({ type: 'invocation.ended', timestamp: expect.any(String) });
        expect(data).toMatchObject({ id, state: 'succeeded', output: { n: 7 }, agent: told.agent });
      }
      expect(received[0]?.headers['webhook-id']).toBe(received[1]?.headers['webhook-id']);
      const connections = () => new Promise((resolve) => receiver.getConnections((_, count) => resolve(count)));
      await expect.poll(connections, patience).toBe(0);
    });

    test('of a cancelled invocation are sent, and redirects are not followed', async () => {
      received = [];
      status = () => (received.length === 1 ? 302 : 200);
      const begun = Promise.withResolvers<void>();
      h().invoker.behave = ({ signal }) =>
        new Promise((_, reject) => {
          begun.resolve();
          signal?.addEventListener('abort', () => reject(signal.reason));
        });
      const id = idOf(await call({}, { 'x-callback-url': url }));
      await begun.promise;
      await h().request('DELETE', `/v1/invocations/${id}`);
      await vi.waitFor(async () => expect((await get(id)).callback?.state).toBe('delivered'), patience);
      expect(received.map(({ body }) => JSON.parse(body).data.state)).toEqual(['cancelled', 'cancelled']);
    });

    test('have one key per receiver, for any path', async () => {
      const keyOf = async (address: string) =>
        (await h().request('GET', `/v1/callback-key?url=${encodeURIComponent(address)}`)).text;
      expect(await keyOf('https://one.example/a')).toBe(await keyOf('https://one.example/b?c'));
      expect(await keyOf('https://one.example/a')).not.toBe(await keyOf('https://two.example/a'));
      expect(await keyOf('https://one.example/a')).not.toBe(await keyOf('http://one.example/a'));
      expect(await h().request('GET', '/v1/callback-key')).toMatchObject({ status: 400 });
      expect(await h().request('GET', '/v1/callback-key?url=ftp:a')).toMatchObject({ status: 422 });
    });

    test('to a hanging receiver do not hold up others', async () => {
      received = [];
      status = () => 200;
      let silent = 0;
      const hanging = createServer(() => {
        silent += 1;
      });
      hanging.listen(0, '127.0.0.1');
      await once(hanging, 'listening');
      const nowhere = `http://127.0.0.1:${(hanging.address() as AddressInfo).port}/`;
      try {
        await Promise.all(Array.from({ length: 24 }, () => call({}, { 'x-callback-url': nowhere })));
        await vi.waitFor(() => expect(silent).toBe(4), patience);
        const id = idOf(await call({}, { 'x-callback-url': url }));
        await vi.waitFor(async () => expect((await get(id)).callback?.state).toBe('delivered'), patience);
        expect(silent).toBe(4);
      } finally {
        hanging.closeAllConnections();
        hanging.close();
      }
    });

    test('end with a 410', async () => {
      received = [];
      status = () => 410;
      const id = idOf(await call({}, { 'x-callback-url': url }));
      await vi.waitFor(async () => expect((await get(id)).callback?.state).toBe('failed'), patience);
      expect(received).toHaveLength(1);
    });
  });
}
