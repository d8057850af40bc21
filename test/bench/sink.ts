/**
 * Measures the delivery of outcomes to a CouchDB sink, against `_bulk_docs` by hand: the same documents, in batches of the
 * same size, to the same server (the tests' stand-in, as a process of its own), with nothing of ours in between.
 *
 * It measures how fast a backlog drains: outcomes are recorded while the sink has a dead address, then that is changed.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as rest } from 'node:timers/promises';
import { readConfig } from '@skerry/control-plane/config/config.ts';
import { type ControlPlane, createControlPlane } from '@skerry/control-plane/context.ts';
import { type Api, createApi } from '../harness/api.ts';
import { freePort } from '../harness/free-port.ts';
import { startCommand, type Watched } from '../harness/process.ts';

export type SinkSpeed = {
  /** Documents per second by hand, one batch after another. */
  readonly byHand: number;
  /** Documents per second of the backlog: read, delivered and removed. */
  readonly delivered: number;
  /** Outcomes per second that were recorded with their deliveries before. */
  readonly recorded: number;
};

const component = new URL('../fixtures/handler.wasm', import.meta.url);
const couchScript = new URL('../harness/couchdb/couchdb.ts', import.meta.url);
const batch = 500;
const deadlineMs = 120_000;

/** @param databaseUrl Postgres; absent: PGlite. @param documents how many to deliver */
export async function measureSink(databaseUrl?: string, documents = 20_000): Promise<SinkSpeed> {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-bench-sink-'));
  const [port, nowhere] = [await freePort(), await freePort()];
  const token = randomUUID();
  const config = readConfig({
    PORT: '0',
    SKERRY_DATA: folder,
    SKERRY_ADMIN_TOKEN: token,
    SKERRY_LOG_LEVEL: 'silent',
    DATABASE_URL: databaseUrl,
  });
  const controlPlane = await createControlPlane(config);
  const couch = `http://127.0.0.1:${port}`;
  let server: Watched | undefined;
  try {
    const listening = await controlPlane.listen();
    const api = createApi(new URL(`http://127.0.0.1:${listening.port}`), token);
    const sink = (url: string) => ({ type: 'couchdb', params: { url, database: 'outcomes', create: true } });
    const name = `bench-${randomUUID()}`;
    await need(201, api.upload('POST', '/v1/fn/_', name, readFileSync(component), { wait_for_workers: 'false' }));
    const created = await need(201, api.call('POST', `/v1/fn/_/${name}/sinks`, sink(`http://127.0.0.1:${nowhere}`)));
    const { id } = (created as { data: { id: string } }).data;

    const recorded = await recordOutcomes(controlPlane, name, documents);
    server = startCommand(process.execPath, [couchScript.pathname, '--port', String(port)]);
    await server.line(({ msg }) => msg === 'listening');
    const byHand = await writeByHand(couch, documents);
    const start = performance.now();
    await need(200, api.call('PUT', `/v1/fn/_/${name}/sinks/${id}`, sink(couch)));
    await drained(api, id);
    const delivered = documents / ((performance.now() - start) / 1_000);
    return { byHand, delivered, recorded };
  } finally {
    await controlPlane.close();
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** 230 bytes of JSON, as a sensor reading might be. */
function reading(n: number): string {
  return JSON.stringify({
    n,
    device: 'press-7',
    values: Array.from({ length: 30 }, (_, at) => 20 + at),
    unit: 'degrees',
  });
}

async function recordOutcomes({ catalog, invocations }: ControlPlane, name: string, count: number): Promise<number> {
  const fn = catalog.find('_', name);
  if (!fn) throw new Error('the catalog does not have the function');
  const start = performance.now();
  for (let from = 0; from < count; from += batch) {
    const now = new Date();
    await invocations.record(
      Array.from({ length: Math.min(batch, count - from) }, (_, at) => ({
        id: randomUUID(),
        functionId: fn.id,
        module: fn.module,
        name: fn.name,
        revision: fn.revision,
        origin: 'api' as const,
        agent: 'bench',
        attempts: 1,
        createdAt: now,
        startedAt: now,
        endedAt: now,
        result: { ok: true as const, output: Buffer.from(reading(from + at)) },
      })),
    );
  }
  return count / ((performance.now() - start) / 1_000);
}

async function writeByHand(couch: string, count: number): Promise<number> {
  const headers = { 'content-type': 'application/json' };
  await fetch(`${couch}/by-hand`, { method: 'PUT' });
  const start = performance.now();
  for (let from = 0; from < count; from += batch) {
    const docs = Array.from({ length: Math.min(batch, count - from) }, (_, at) => ({
      _id: randomUUID(),
      ...(JSON.parse(reading(from + at)) as object),
    }));
    const response = await fetch(`${couch}/by-hand/_bulk_docs`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ docs }),
    });
    if (response.status !== 201) throw new Error(`by hand: ${response.status}`);
    await response.json();
  }
  return count / ((performance.now() - start) / 1_000);
}

async function drained(api: Api, id: string): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const { data } = (await need(200, api.call('GET', '/v1/sinks'))) as { data: { id: string; waiting: number }[] };
    if (data.find((sink) => sink.id === id)?.waiting === 0) return;
    if (performance.now() > deadline) throw new Error('the backlog does not drain');
    await rest(50);
  }
}

async function need(status: number, answer: Promise<{ status: number; body: unknown }>): Promise<unknown> {
  const { status: answered, body } = await answer;
  if (answered !== status) throw new Error(`${answered} instead of ${status}: ${JSON.stringify(body)}`);
  return body;
}
