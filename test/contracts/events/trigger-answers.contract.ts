/** Answers about triggers in plain words: about each by itself, and about the agents that hold them. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { agents } from '../../../control-plane/db/schema/catalog.ts';
import { create, type Harness } from '../../../control-plane/testing/harness.ts';

const mqtt = (params: object = {}) => ({
  type: 'mqtt',
  params: { host: '127.0.0.1', port: 1, topic: 'a/+/b', ...params },
});
const schedule = () => ({ type: 'schedule', params: { cron: '0 0 1 1 *' } });

export function describeTriggerAnswers(h: () => Harness): void {
  const list = async (path: string) => (await h().request('GET', path)).json as { data: { id: string }[] };

  describe('answers about triggers', () => {
    test.each([
      [{ qos: 3 }, 422, 'qos must be 0, 1 or 2'],
      [{ qos: '1' }, 422, 'qos must be 0, 1 or 2'],
      [{ topic: undefined }, 400, 'params.topic: must be given'],
    ])('%j: %i, in plain words', async (params: object, status, words) => {
      await create(h(), 'plainwords');
      const answer = await h().request('POST', '/v1/fn/_/plainwords/triggers', { json: mqtt(params) });
      expect(answer).toMatchObject({ status });
      expect(answer.text).toContain(words);
    });

    test('an IPv6 address has its colons', async () => {
      await create(h(), 'six');
      const path = '/v1/fn/_/six/triggers';
      expect(await h().request('POST', path, { json: mqtt({ host: '2001:db8::7' }) })).toMatchObject({ status: 201 });
    });

    test('two triggers that would run each message twice are refused: created, replaced or in a list', async () => {
      await create(h(), 'twice');
      const path = '/v1/fn/_/twice/triggers';
      const post = (params: object) => h().request('POST', path, { json: mqtt(params) });
      const refused = { status: 422, json: { errors: { topic: [expect.stringContaining('another trigger')] } } };
      expect(await post({ topic: 'one', port: undefined })).toMatchObject({ status: 201 });
      expect(await post({ topic: 'one', port: 1_883, qos: 2 })).toMatchObject(refused);
      expect(await post({ topic: 'one', port: 1_883, placement: 'edge' })).toMatchObject({ status: 201 });
      const { json } = await post({ topic: 'two', port: 1_883 });
      const { id } = (json as { data: { id: string } }).data;
      const put = (topic: string) => h().request('PUT', `${path}/${id}`, { json: mqtt({ topic, port: 1_883 }) });
      expect(await put('two')).toMatchObject({ status: 200 });
      expect(await put('one')).toMatchObject(refused);
      const events = JSON.stringify([mqtt(), mqtt({ concurrency: 2 })]);
      expect(await create(h(), 'twice-new', 'wasm 1', { events })).toMatchObject({
        status: 207,
        json: {
          data: {
            events: [{ status: 'success' }, { status: 'error', message: expect.stringContaining('another trigger') }],
          },
        },
      });
    });

    test('offline agents that may go on with a trigger are listed', async () => {
      await create(h(), 'gone');
      const path = '/v1/fn/_/gone/triggers';
      const [edge, cloud] = [mqtt({ placement: 'edge' }), mqtt()];
      await h().request('POST', path, { json: edge });
      await h().request('POST', path, { json: cloud });
      const at = new Date('2026-01-02T03:04:05.000Z');
      const key = new Uint8Array(32).fill(77);
      await h().controlPlane.store.change((orm) =>
        orm.insert(agents).values({
          name: 'gone-pi',
          publicKey: key,
          labels: {},
          grantedLabels: {},
          epoch: 1,
          version: '1',
          lastSeenAt: at,
        }),
      );
      expect(await list(path)).toMatchObject({
        data: [{ offline: [{ agent: 'gone-pi', since: at.toISOString() }] }, { offline: [] }],
      });
      await h().request('DELETE', '/v1/agents/gone-pi');
      h().hub.revoked.length = 0;
    });

    test('an invalid entry gets its own message', async () => {
      const events = JSON.stringify([mqtt({ host: 'b:1' }), mqtt({ password_secret: 's' }), mqtt()]);
      expect(await create(h(), 'blamed', 'wasm 1', { events })).toMatchObject({
        status: 207,
        json: {
          data: {
            events: [
              { status: 'error', message: expect.stringContaining('host must be') },
              { status: 'error', message: 'username must be given beside a password' },
              { status: 'success' },
            ],
          },
        },
      });
      expect((await list('/v1/fn/_/blamed/triggers')).data).toHaveLength(1);
      const missing = JSON.stringify([{ type: 'mqtt', params: { host: 'b' } }]);
      const answer = await create(h(), 'blamed-too', 'wasm 1', { events: missing });
      expect(answer).toMatchObject({ json: { data: { events: [{ message: 'params.topic must be given' }] } } });
    });

    test('a wait reports each entry by itself, with its broker', async () => {
      const broker = createServer((socket) => {
        // CONNACK and SUBACK of MQTT 3.1.1, for the first and the second packet (sections 3.2 and 3.9).
        socket.once('data', () => {
          socket.write(Uint8Array.of(0x20, 2, 0, 0));
          socket.on('data', (packet: Buffer) => {
            if (packet[0] === 0x82) socket.write(Uint8Array.of(0x90, 3, packet[2] ?? 0, packet[3] ?? 0, 1));
          });
        });
      }).listen(0, '127.0.0.1');
      await once(broker, 'listening');
      const { port } = broker.address() as AddressInfo;
      const list = [mqtt({ topic: 'soil', port: 1 }), schedule(), mqtt({ port })];
      const fields = { events: JSON.stringify(list), wait_for_events: '5000' };
      const answer = await create(h(), 'waits-each', 'wasm 1', fields);
      await h().request('DELETE', '/v1/fn/_/waits-each');
      broker.close();
      expect(answer.json).toMatchObject({
        data: {
          events: [
            { status: 'error', message: expect.stringContaining('127.0.0.1:1 soil (connection refused)') },
            { status: 'success' },
            { status: 'success' },
          ],
          events_metadata: { successful: 2, failed: 1, total: 3 },
        },
      });
    });
  });
}
