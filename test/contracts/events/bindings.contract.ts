/** Triggers, sinks and secrets through the API. */
import { describe, expect, test } from 'vitest';
import { create, type Harness, problem, upload } from '../../../control-plane/testing/harness.ts';

const mqtt = (params: object = {}) => ({
  type: 'mqtt',
  params: { host: '127.0.0.1', port: 1, topic: 'a/+/b', ...params },
});
const schedule = (params: object = {}) => ({ type: 'schedule', params: { cron: '0 0 1 1 *', ...params } });
const couchdb = (params: object = {}) => ({ type: 'couchdb', params: { url: 'http://127.0.0.1:1/db', ...params } });

type Shown = { data: { id: string; type: string; params: Record<string, unknown> } };

export function describeAttachments(h: () => Harness): void {
  const list = async (path: string) => (await h().request('GET', path)).json as { data: Shown['data'][] };

  /** The token of a new subject with the role `user`. */
  const plainToken = async (name: string) => {
    const { json } = await h().request('POST', '/v1/admin/subjects', { json: { subject: { name } } });
    return (json as { data: { token: string } }).data.token;
  };

  describe('triggers', () => {
    test('can be created, listed, replaced and removed', async () => {
      await create(h(), 'trig');
      const path = '/v1/fn/_/trig/triggers';
      const created = await h().request('POST', path, { json: mqtt({ port: '1883', qos: 2 }) });
      expect(created.status).toBe(201);
      expect(created.json).toMatchObject({
        data: { type: 'mqtt', params: { host: '127.0.0.1', port: 1883, topic: 'a/+/b', qos: 2, placement: 'cloud' } },
      });
      const { id } = (created.json as Shown).data;
      expect(await h().request('PUT', `${path}/${id}`, { json: schedule({ timezone: 'Europe/Rome' }) })).toMatchObject({
        status: 200,
        json: { data: { id, type: 'schedule', params: { timezone: 'Europe/Rome', missed: 'skip', args: {} } } },
      });
      expect(await list(path)).toMatchObject({ data: [{ id, type: 'schedule', run: 0, received: 0 }] });
      expect(await h().request('DELETE', `${path}/${id}`)).toMatchObject({ status: 204 });
      expect(await list(path)).toEqual({ data: [] });
      expect(await h().request('DELETE', `${path}/${id}`)).toMatchObject({ status: 404 });
      expect(await h().request('GET', `${path}/nonsense`)).toMatchObject({ status: 404 });
    });

    test('show their state in each place', async () => {
      await create(h(), 'places');
      const { json } = await h().request('POST', '/v1/fn/_/places/triggers', { json: mqtt({ placement: 'edge' }) });
      const { id } = (json as Shown).data;
      const counts = { received: 3, run: 2, failed: 1, dropped: 0, pending: 1 };
      h().hub.triggers = [{ agent: 'pi', state: { id, state: 'up', since: 0, lastMessage: 1e300, ...counts } }];
      expect(await list('/v1/fn/_/places/triggers')).toMatchObject({
        data: [{ places: [{ agent: 'pi', state: 'up', since: '1970-01-01T00:00:00.000Z', ...counts }] }],
      });
      h().hub.triggers = [];
    });

    test.each([
      ['a wildcard that is not a level', mqtt({ topic: 'a/b#' }), 'topic'],
      ['a port out of range', mqtt({ port: 70_000 }), 'port'],
      ['a host that is an address with a scheme', mqtt({ host: 'mqtt://x' }), 'host'],
      ['a port that is text but no number', mqtt({ port: 'abc' }), 'port'],
      ['a port in the host', mqtt({ host: '127.0.0.1:1883' }), 'host'],
      ['a password without a username', mqtt({ password: 'p' }), 'username'],
      ['a message id in a payload that may not be JSON', mqtt({ payload: 'raw', message_id: 'id' }), 'message_id'],
      ['an unknown key', mqtt({ colour: 'red' }), 'colour'],
      ['a group in the topic', mqtt({ topic: '$share/group/a' }), 'topic'],
      ['a metadata address', mqtt({ host: '169.254.169.254' }), 'host'],
      ['a metadata address in IPv6', mqtt({ host: '64:ff9b::169.254.169.254' }), 'host'],
      ['authorities that are no PEM', mqtt({ tls: { ca: 'no' } }), 'ca'],
      ['a certificate that is no PEM', mqtt({ tls: { cert: 'no' } }), 'cert'],
      ['a key that is no PEM', mqtt({ tls: { key: 'no' } }), 'key'],
      ['an invalid cron expression', schedule({ cron: 'often' }), 'cron'],
      ['a date in place of a cron expression', schedule({ cron: '2999-01-01T00:00:00' }), 'cron'],
      ['a cron expression that never ticks', schedule({ cron: '0 0 31 2 *' }), 'cron'],
      ['an unknown time zone', schedule({ timezone: 'Mars/Olympus' }), 'timezone'],
    ])('%s: 422 that names the field', async (_, json, field) => {
      await create(h(), 'badtrig');
      const answer = await h().request('POST', '/v1/fn/_/badtrig/triggers', { json });
      expect(answer).toMatchObject({ status: 422, json: { errors: { [field]: [expect.any(String)] } } });
    });

    test('a trigger on a device may use link-local addresses', async () => {
      await create(h(), 'local');
      const json = mqtt({ host: '169.254.10.1', placement: 'edge' });
      expect(await h().request('POST', '/v1/fn/_/local/triggers', { json })).toMatchObject({ status: 201 });
    });

    test('a function has at most 32', async () => {
      await create(h(), 'many');
      const events = JSON.stringify(Array.from({ length: 33 }, (_, n) => schedule({ args: n })));
      const answer = await h().request('PUT', '/v1/fn/_/many', { body: upload({ name: 'many', events }, 'wasm 2') });
      expect(answer).toMatchObject({ status: 207, json: { data: { events_metadata: { failed: 33 } } } });
    });
  });

  describe('events and sinks of an upload', () => {
    test('each has its own answer: 201 when all are connected, 207 when one is not', async () => {
      const events = JSON.stringify([mqtt({ port: '1883' }), { type: 'amqp', params: {} }, { type: 'mqtt' }]);
      const sinks = JSON.stringify([couchdb({ username: 'a', password: 'b' })]);
      const answer = await create(h(), 'both', 'wasm 1', { events, sinks });
      expect(answer.status).toBe(207);
      expect(answer.json).toMatchObject({
        data: {
          events: [
            { status: 'success' },
            { status: 'error', message: expect.stringContaining('"mqtt" or "schedule"') },
            { status: 'error', message: expect.stringContaining('params') },
          ],
          events_metadata: { successful: 1, failed: 2, total: 3 },
          sinks: [{ status: 'success' }],
          sinks_metadata: { successful: 1, failed: 0, total: 1 },
        },
      });
      const fine = await create(h(), 'fine', 'wasm 1', { events: JSON.stringify([mqtt()]) });
      expect(fine).toMatchObject({ status: 201, json: { data: { events: [{ status: 'success' }] } } });
      expect(fine.json).not.toHaveProperty('data.sinks');
    });

    test('a list that is absent leaves them, an equal entry stays itself, [] removes all', async () => {
      const events = (...topics: string[]) =>
        JSON.stringify(topics.map((topic) => mqtt({ topic, username: 'u', password: 'p' })));
      const put = (fields: Record<string, string>, code: string) =>
        h().request('PUT', '/v1/fn/_/keep', { body: upload({ name: 'keep', ...fields }, code) });
      const ids = async () => (await list('/v1/fn/_/keep/triggers')).data.map(({ id }) => id);
      await create(h(), 'keep', 'wasm 1', { events: events('a', 'b') });
      const [a, b] = await ids();
      await put({}, 'wasm 2');
      expect(await ids()).toEqual([a, b]);
      await put({ events: events('b', 'c') }, 'wasm 3');
      expect(await ids()).toEqual([b, expect.not.stringMatching(a ?? '')]);
      await put({ events: '[]' }, 'wasm 4');
      expect(await ids()).toEqual([]);
    });

    test('a list with an invalid entry changes nothing', async () => {
      const good = [couchdb({ username: 'a' }), couchdb({ url: 'http://127.0.0.1:1/other' })];
      await create(h(), 'typo', 'wasm 1', { sinks: JSON.stringify(good) });
      const before = await list('/v1/fn/_/typo/sinks');
      const sinks = JSON.stringify([couchdb({ username: 'b' }), couchdb({ databse: 'other' })]);
      expect(
        await h().request('PUT', '/v1/fn/_/typo', { body: upload({ name: 'typo', sinks }, 'wasm 2') }),
      ).toMatchObject({
        status: 207,
        json: {
          data: {
            sinks: [
              { status: 'error', message: expect.stringContaining('another entry of the list is invalid') },
              { status: 'error', message: expect.stringContaining('databse') },
            ],
          },
        },
      });
      expect(await list('/v1/fn/_/typo/sinks')).toEqual(before);
    });

    test('waiting for unreachable brokers answers 207, and the triggers stay', async () => {
      const fields = { events: JSON.stringify([mqtt()]), wait_for_events: '100' };
      const answer = await create(h(), 'waits', 'wasm 1', fields);
      expect(answer).toMatchObject({
        status: 207,
        json: { data: { events: [{ status: 'error', message: expect.stringContaining('not connected within') }] } },
      });
      expect((await list('/v1/fn/_/waits/triggers')).data).toHaveLength(1);
    });

    test.each([
      ['not JSON', { events: '{' }, 400],
      ['no list', { sinks: '{}' }, 400],
      ['an invalid wait', { wait_for_events: 'long' }, 400],
      ['a list of 101', { events: JSON.stringify(Array(101).fill(mqtt())) }, 422],
    ])('%s: %j', async (_, fields: Record<string, string>, status) => {
      expect(await create(h(), 'never', 'wasm 1', fields)).toMatchObject({ status });
      expect(await h().request('GET', '/v1/fn/_/never')).toMatchObject({ status: 404 });
    });
  });

  describe('sinks', () => {
    test('can be created, replaced and removed; credentials are never shown', async () => {
      await create(h(), 'sinks');
      const path = '/v1/fn/_/sinks/sinks';
      const secret = 'hunter2-do-not-show';
      const created = await h().request('POST', path, { json: couchdb({ username: 'a', password: secret }) });
      expect(created).toMatchObject({
        status: 201,
        json: { data: { params: { credentials: 'sealed', username: 'a' } } },
      });
      const { id } = (created.json as Shown).data;
      const shown = await h().request('GET', `${path}/${id}`);
      expect(`${created.text}${shown.text}`).not.toContain(secret);
      expect(
        await h().request('PUT', `${path}/${id}`, { json: { type: 'http', params: { url: 'https://x.example' } } }),
      ).toMatchObject({ status: 200, json: { data: { id, type: 'http' } } });
      expect(await h().request('DELETE', `${path}/${id}`)).toMatchObject({ status: 204 });
    });

    test.each([
      ['credentials in the address', couchdb({ url: 'http://a:b@127.0.0.1/db' }), 'url'],
      ['a query in the address', couchdb({ url: 'http://127.0.0.1/db?token=hunter2' }), 'url'],
      ['a query in the address of an http sink', { type: 'http', params: { url: 'http://x/?token=hunter2' } }, 'url'],
      ['a fragment in the address', couchdb({ url: 'http://127.0.0.1/db#x' }), 'url'],
      ['another scheme', couchdb({ url: 'file:///etc/passwd' }), 'url'],
      ['no database', couchdb({ url: 'http://127.0.0.1:1/' }), 'database'],
      ['a database name that CouchDB reserves', couchdb({ url: 'http://127.0.0.1:1/_users' }), 'database'],
      ['an invalid database name', couchdb({ database: '_users' }), 'database'],
      ['a password without a username', couchdb({ password: 'p' }), 'username'],
      [
        'an HTTP password without a username',
        { type: 'http', params: { url: 'http://x/', password: 'p' } },
        'username',
      ],
      ['a line break in a token', { type: 'http', params: { url: 'http://x/', token: 'a\nb' } }, 'token'],
      ['a port in the host', { type: 'mqtt', params: { host: 'x:1883', topic: 'a' } }, 'host'],
      ['a topic with wildcards', { type: 'mqtt', params: { host: 'x', topic: 'a/#' } }, 'topic'],
    ])('%s: 422 that names the field', async (_, json, field) => {
      await create(h(), 'badsink');
      const answer = await h().request('POST', '/v1/fn/_/badsink/sinks', { json });
      expect(answer).toMatchObject({ status: 422, json: { errors: { [field]: [expect.any(String)] } } });
    });
  });

  describe('secrets', () => {
    test('can be set and listed without their values, and cannot be removed while in use', async () => {
      expect(await h().request('PUT', '/v1/secrets/couch', { json: { value: 'the value' } })).toMatchObject({
        status: 204,
      });
      const listed = await h().request('GET', '/v1/secrets');
      expect(listed).toMatchObject({ status: 200, json: { data: [{ name: 'couch' }] } });
      expect(listed.text).not.toContain('the value');
      await create(h(), 'user-of');
      await h().request('POST', '/v1/fn/_/user-of/sinks', {
        json: couchdb({ username: 'u', password_secret: 'couch' }),
      });
      expect(await h().request('DELETE', '/v1/secrets/couch')).toMatchObject({
        status: 409,
        json: { errors: { message: 'The secret is used by a couchdb of _/user-of' } },
      });
      await h().request('DELETE', '/v1/fn/_/user-of');
      expect(await h().request('DELETE', '/v1/secrets/couch')).toMatchObject({ status: 204 });
      expect(await h().request('DELETE', '/v1/secrets/couch')).toMatchObject({ status: 404 });
    });

    test('only an admin may name them, but any user may deploy an unchanged binding again', async () => {
      const token = await plainToken('namer');
      await h().request('PUT', '/v1/secrets/named', { json: { value: 'x' } });
      const thief = { type: 'http', params: { url: 'http://127.0.0.1:1/mine', token_secret: 'named' } };
      const events = JSON.stringify([mqtt({ username: 'u', password_secret: 'named' })]);
      await create(h(), 'named', 'wasm 1', { events });
      const path = '/v1/fn/_/named';
      const forbidden = { status: 403, json: problem('forbidden', expect.any(String)) };
      expect(await h().request('POST', `${path}/sinks`, { json: thief, token })).toMatchObject(forbidden);
      const unknown = couchdb({ username: 'u', password_secret: 'no-such' });
      expect(await h().request('POST', `${path}/sinks`, { json: unknown })).toMatchObject({
        status: 422,
        json: { errors: { detail: 'There is no secret "no-such"' } },
      });
      const tls = mqtt({ tls: { key_secret: 'named' } });
      expect(await h().request('POST', `${path}/triggers`, { json: tls, token })).toMatchObject(forbidden);
      const [trigger] = (await list(`${path}/triggers`)).data;
      const moved = mqtt({ host: '127.0.0.2', username: 'u', password_secret: 'named' });
      const replaced = await h().request('PUT', `${path}/triggers/${trigger?.id}`, { json: moved, token });
      expect(replaced).toMatchObject(forbidden);
      const deploy = (fields: Record<string, string>) =>
        h().request('PUT', path, { body: upload({ name: 'named', ...fields }, 'wasm 2'), token });
      expect(await deploy({ events })).toMatchObject({
        status: 200,
        json: { data: { events: [{ status: 'success' }] } },
      });
      expect(await deploy({ sinks: JSON.stringify([thief]) })).toMatchObject({
        status: 207,
        json: { data: { sinks: [{ status: 'error', message: expect.stringContaining('admin') }] } },
      });
      expect(await list(`${path}/sinks`)).toEqual({ data: [] });
      expect((await list(`${path}/triggers`)).data).toMatchObject([{ id: trigger?.id }]);
      await h().request('DELETE', path);
      await h().request('DELETE', '/v1/secrets/named');
      await h().request('DELETE', '/v1/admin/subjects/namer');
    });

    test('only an admin may set them', async () => {
      const token = await plainToken('plain');
      const answer = await h().request('PUT', '/v1/secrets/mine', { json: { value: 'x' }, token });
      expect(answer).toMatchObject({ status: 403, json: problem('forbidden', expect.any(String)) });
      expect(await h().request('PUT', '/v1/secrets/-bad', { json: { value: 'x' } })).toMatchObject({ status: 422 });
      expect(await h().request('PUT', '/v1/secrets/empty', { json: { value: '' } })).toMatchObject({ status: 422 });
      await h().request('DELETE', '/v1/admin/subjects/plain');
    });
  });
}
