/** A CouchDB sink against a stand-in, and against a real CouchDB where `COUCHDB_URL` names one. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CouchdbParams, couchdbParamsSchema } from '@skerry/shared/function/sinks.ts';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { type CouchDb, type CouchFault, startCouchDb } from '../../../test/harness/couchdb/couchdb.ts';
import { makeCertificates } from '../../../test/harness/mqtt/certificates.ts';
import { openCouchdb } from './couchdb.ts';
import type { OpenSink, SinkDocument } from './open-sink.ts';

const never = new AbortController().signal;
const documents = (count: number): SinkDocument[] =>
  Array.from({ length: count }, (_, n) => {
    const id = randomUUID();
    return { id, json: JSON.stringify({ _id: id, n }) };
  });
const all = (count: number, kind: string) => new Array(count).fill(expect.objectContaining({ kind }));

function open(params: Record<string, unknown>, timeoutMs?: number): OpenSink {
  const sink = openCouchdb(couchdbParamsSchema.parse(params) as CouchdbParams, timeoutMs);
  onTestFinished(() => sink.close());
  return sink;
}

const real = process.env.COUCHDB_URL;
describe.each(['a stand-in', ...(real ? ['a real CouchDB'] : [])])('%s', (name) => {
  let couch: CouchDb | undefined;
  let server: Pick<CouchdbParams, 'url' | 'username' | 'password'>;
  beforeEach(async () => {
    if (name === 'a stand-in') {
      couch = await startCouchDb({ user: 'ada', password: 'l0velace' });
      server = { url: couch.url, username: 'ada', password: 'l0velace' };
      return;
    }
    const url = new URL(real ?? '');
    const { username, password } = url;
    url.username = '';
    url.password = '';
    server = { url: url.href, username: decodeURIComponent(username), password: decodeURIComponent(password) };
  });
  afterEach(async () => {
    await couch?.stop();
    couch = undefined;
  });
  const database = () => `skerry-test-${randomUUID()}`;

  test('creates the database, writes one and many, and counts repeats as taken', async () => {
    const sink = open({ ...server, database: database(), create: true });
    const [first, ...rest] = documents(20) as [SinkDocument, ...SinkDocument[]];
    expect(await sink.deliver([first], never)).toEqual({ verdicts: all(1, 'taken') });
    expect(await sink.deliver([first], never)).toEqual({ verdicts: all(1, 'taken') });
    expect(await sink.deliver([first, ...rest], never)).toEqual({ verdicts: all(20, 'taken') });
    expect(await sink.deliver([first, ...rest], never)).toEqual({ verdicts: all(20, 'taken') });
  });

  test('the url may be the database’s, and two sinks may create it at once', async () => {
    const url = `${server.url.replace(/\/$/, '')}/${database()}`;
    const both = [open({ ...server, url, create: true }), open({ ...server, url, create: true })];
    const results = await Promise.all(both.map((sink) => sink.deliver(documents(3), never)));
    expect(results).toEqual([{ verdicts: all(3, 'taken') }, { verdicts: all(3, 'taken') }]);
  });

  test('no database, or a wrong password, is the sink’s fault', async () => {
    const absent = await open({ ...server, database: database() }).deliver(documents(2), never);
    expect(absent).toEqual({
      verdicts: [undefined, undefined],
      down: { reason: expect.stringContaining('404'), waitMs: undefined },
    });
    const wrong = await open({ ...server, password: 'secret!', database: database() }).deliver(documents(1), never);
    expect(wrong.down?.reason).toMatch(/401 unauthorized/);
    expect(JSON.stringify(wrong)).not.toMatch(/secret!|bDB2ZWxhY2U|ada:/);
  });

  test('invalid documents are found in a batch, and the others are taken', async () => {
    const given = documents(10);
    given[3] = { id: given[3]?.id ?? '', json: `{"_id":"${given[3]?.id}","_strange":1}` };
    const { verdicts, down } = await open({ ...server, database: database(), create: true }).deliver(given, never);
    expect(down).toBeUndefined();
    expect(verdicts[3]).toMatchObject({ kind: 'again', reason: expect.stringContaining('_strange') });
    expect(verdicts.filter((verdict) => verdict?.kind === 'taken')).toHaveLength(9);
  });
});

describe('faults', () => {
  let couch: CouchDb;
  beforeEach(async () => {
    couch = await startCouchDb();
    couch.createDatabase('d');
  });
  afterEach(() => couch.stop());
  const sink = (timeoutMs?: number, params = {}) => open({ url: couch.url, database: 'd', ...params }, timeoutMs);
  const status = (code: number, error?: string): CouchFault => ({
    kind: 'status',
    status: code,
    ...(error && { error }),
  });

  test.each([1, 3])(
    'an answer that does not depend on the document is the sink’s fault: %i at a time',
    async (count) => {
      const one = sink();
      for (const code of [
        203, 204, 205, 300, 301, 304, 401, 402, 403, 404, 405, 415, 429, 500, 502, 503, 599, 600, 999,
      ]) {
        couch.fault(status(code));
        const result = await one.deliver(documents(count), never);
        expect(result.verdicts, `${code}`).toEqual(new Array(count).fill(undefined));
        expect(result.down?.reason, `${code}`).toMatch(code < 400 ? /CouchDB/ : `${code}`);
      }
      couch.fault(undefined);
      expect(await one.deliver(documents(count), never)).toEqual({ verdicts: all(count, 'taken') });
    },
  );

  test('it may say how long to wait', async () => {
    couch.fault({ kind: 'status', status: 429, headers: { 'retry-after': '7' } });
    expect((await sink().deliver(documents(1), never)).down?.waitMs).toBe(7_000);
  });

  test.each([
    [400, 'again'],
    [412, 'again'],
    [413, 'refused'],
  ] as const)('%i for one document is the document’s fault', async (code, kind) => {
    couch.fault(status(code));
    expect(await sink().deliver(documents(1), never)).toEqual({ verdicts: all(1, kind) });
  });

  test('an invalid document is at fault itself, even when CouchDB answers 500', async () => {
    couch.fault(status(500, 'doc_validation'));
    expect(await sink().deliver(documents(2), never)).toEqual({ verdicts: all(2, 'again') });
  });

  test('409 counts as taken only for a conflict', async () => {
    couch.fault(status(409));
    expect(await sink().deliver(documents(1), never)).toEqual({ verdicts: all(1, 'taken') });
    couch.fault(status(409, 'something else'));
    expect(await sink().deliver(documents(1), never)).toEqual({ verdicts: all(1, 'again') });
  });

  test('a batch that is too large is halved, and a document that is too large is refused', async () => {
    couch.limits({ request: 600 });
    const given = documents(40);
    expect(await sink().deliver(given, never)).toEqual({ verdicts: all(40, 'taken') });
    expect([...couch.documents('d').keys()]).toEqual(given.map(({ id }) => id));
    couch.limits({ request: 1e9, document: 1_000 });
    const [large] = documents(1) as [SinkDocument];
    const fat = { id: large.id, json: JSON.stringify({ _id: large.id, fat: 'x'.repeat(2_000) }) };
    const { verdicts } = await sink().deliver([...documents(2), fat, ...documents(2)], never);
    expect(verdicts.map((verdict) => verdict?.kind)).toEqual(['taken', 'taken', 'refused', 'taken', 'taken']);
  });

  test('a half that fails leaves the rest unknown', async () => {
    couch.limits({ request: 600 });
    let seen = 0;
    couch.fault(status(503), 1, ({ documents: count }) => count < 20 && ++seen === 2);
    const { verdicts, down } = await sink().deliver(documents(20), never);
    expect(down?.reason).toContain('503');
    expect(verdicts).toHaveLength(20);
    expect(verdicts.filter((verdict) => verdict === undefined).length).toBeGreaterThan(0);
    expect(couch.documents('d').size).toBe(verdicts.filter((verdict) => verdict?.kind === 'taken').length);
  });

  test('a document that the database’s own rule forbids is at fault, alone or among others', async () => {
    couch.validate(({ n }) => (n === 0 ? 'not zero' : undefined));
    const [zero] = documents(1) as [SinkDocument];
    const alone = await sink().deliver([zero], never);
    expect(alone).toEqual({ verdicts: [{ kind: 'again', reason: expect.stringContaining('not zero') }] });
    const { verdicts } = await sink().deliver(documents(3), never);
    expect(verdicts.map((verdict) => verdict?.kind)).toEqual(['again', 'taken', 'taken']);
  });

  test.each([1, 3])('hanging, cut, garbled, or gone: %i at a time', async (count) => {
    const one = sink(300);
    const reasonFor = async (fault: CouchFault) => {
      couch.fault(fault);
      const { verdicts, down } = await one.deliver(documents(count), never);
      expect(verdicts).toEqual(new Array(count).fill(undefined));
      return down?.reason;
    };
    expect(await reasonFor({ kind: 'hang' })).toMatch(/no answer within 0.3 s/);
    expect(await reasonFor({ kind: 'slow', ms: 1_000 })).toMatch(/no answer within 0.3 s/);
    expect(await reasonFor({ kind: 'cut' })).toMatch(/broken off|cut|aborted/);
    expect(await reasonFor({ kind: 'garbage' })).toMatch(/not CouchDB/);
    couch.fault(undefined);
    await couch.stop();
    expect((await one.deliver(documents(count), never)).down?.reason).toMatch(/refused|broken off/);
    await couch.start();
    expect(await one.deliver(documents(count), never)).toEqual({ verdicts: all(count, 'taken') });
  });

  test('a port that fetch refuses is reported as such', async () => {
    const { down } = await sink(500, { url: 'http://127.0.0.1:6000' }).deliver(documents(1), never);
    expect(down?.reason).toMatch(/not made: .*bad port/);
  });

  test('an aborted delivery ends', async () => {
    couch.fault({ kind: 'hang' });
    const aborting = new AbortController();
    const result = sink().deliver(documents(1), aborting.signal);
    await expect.poll(() => couch.requests.length).toBe(1);
    aborting.abort();
    expect((await result).verdicts).toEqual([undefined]);
  });

  test('link-local addresses are not connected to, and a sink without a database is refused', async () => {
    const metadata = await sink(500, { url: 'http://169.254.169.254' }).deliver(documents(1), never);
    expect(metadata.down?.reason).toMatch(/forbidden address/);
    const mapped = await sink(500, { url: 'http://[::ffff:169.254.169.254]' }).deliver(documents(1), never);
    expect(mapped.down?.reason).toMatch(/forbidden address/);
    expect(() => sink(500, { database: undefined })).toThrow(/must be given, unless url ends with it/);
  });
});

test('over TLS, with an authority of its own and not without it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-couch-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const { ca, serverCertFile, serverKeyFile } = makeCertificates(folder);
  const tls = { cert: readFileSync(serverCertFile, 'utf8'), key: readFileSync(serverKeyFile, 'utf8') };
  const couch = await startCouchDb({ tls });
  onTestFinished(() => couch.stop());
  const to = { url: couch.url, database: 'd', create: true };
  const untrusted = await open(to).deliver(documents(1), never);
  expect(untrusted).toMatchObject({ verdicts: [undefined], down: { reason: expect.stringMatching(/certificate/) } });
  expect(await open({ ...to, ca }).deliver(documents(3), never)).toEqual({ verdicts: all(3, 'taken') });
});
