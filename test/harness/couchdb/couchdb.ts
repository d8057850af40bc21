/**
 * A stand-in for CouchDB: the part of its HTTP API that a sink and its tests use, with answers formed as its own
 * (docs.couchdb.org, "API Reference"), and faults on demand. Its documents survive a stop and a start.
 *
 * As a separate process: `node test/harness/couchdb/couchdb.ts [--port 0] [--user admin --password secret]`, which
 * prints one line of JSON with its URL.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type CouchDatabase, CouchRefusal, createCouchDatabase } from './documents.ts';

/**
 * The fault of a request. `status` and `hang`: nothing is done. `slow`: it is done later. `mute`, `cut` and `garbage`:
 * it is done, and the answer is absent, truncated or invalid.
 */
export type CouchFault =
  | { readonly kind: 'status'; readonly status: number; readonly error?: string; readonly headers?: object }
  | { readonly kind: 'hang' }
  | { readonly kind: 'mute' }
  | { readonly kind: 'cut' }
  | { readonly kind: 'garbage' }
  | { readonly kind: 'slow'; readonly ms: number };

export type CouchRequest = { readonly method: string; readonly path: string; readonly documents: number };

type CouchOptions = {
  /** 0: a free port. */
  readonly port?: number;
  readonly user?: string;
  readonly password?: string;
  /** PEM texts; absent: without TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
};

export type CouchDb = {
  readonly url: string;
  readonly port: number;
  /** All requests, in order. */
  readonly requests: CouchRequest[];
  /** A fault for the next `times` requests that fit; undefined: none. */
  fault(fault: CouchFault | undefined, times?: number, fits?: (request: CouchRequest) => boolean): void;
  /** The only credentials that are accepted from now on. */
  credentials(user: string, password: string): void;
  /** Largest document, and largest request, in bytes. */
  limits(limits: { readonly document?: number; readonly request?: number }): void;
  /** A reason forbids a document, as a database's `validate_doc_update` can. */
  validate(rule: (document: Record<string, unknown>) => string | undefined): void;
  createDatabase(name: string): void;
  /** Documents by id, in the order of their arrival; empty when there is no such database. */
  documents(name: string): ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  /** Breaks open connections and refuses new ones. */
  stop(): Promise<void>;
  /** Again on the same port, with the same documents. */
  start(): Promise<void>;
};

const refusals: Readonly<Record<number, string>> = {
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  412: 'file_exists',
  413: 'too_large',
  429: 'too_many_requests',
  500: 'internal_server_error',
  503: 'service_unavailable',
};

export async function startCouchDb({ port = 0, tls, ...given }: CouchOptions = {}): Promise<CouchDb> {
  let { user, password } = given;
  let limits = { document: 8_000_000, request: 4_294_967_296 };
  let rule: (document: Record<string, unknown>) => string | undefined = () => undefined;
  let fault: { what: CouchFault; times: number; fits: (request: CouchRequest) => boolean } | undefined;
  const databases = new Map<string, CouchDatabase>();
  const requests: CouchRequest[] = [];
  const sessions = new Set<string>();

  const create = (name: string) => {
    if (!/^[a-z][a-z0-9_$()+/-]*$/.test(name)) {
      throw new CouchRefusal(400, 'illegal_database_name', `Name: '${name}'. Only lowercase characters are allowed.`);
    }
    if (databases.has(name)) {
      throw new CouchRefusal(412, 'file_exists', 'The database could not be created, the file already exists.');
    }
    databases.set(
      name,
      createCouchDatabase(
        () => limits.document,
        (document) => rule(document),
      ),
    );
  };
  const database = (name: string): CouchDatabase => {
    const found = databases.get(name);
    if (!found) throw new CouchRefusal(404, 'not_found', 'Database does not exist.');
    return found;
  };

  const admit = ({ headers }: IncomingMessage) => {
    if (user === undefined) return;
    const cookie = /AuthSession=([\w-]+)/.exec(headers.cookie ?? '')?.[1];
    if (cookie !== undefined && sessions.has(cookie)) return;
    const basic = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    if (headers.authorization === basic) return;
    const reason = headers.authorization
      ? 'Name or password is incorrect.'
      : 'You are not authorized to access this db.';
    throw new CouchRefusal(401, 'unauthorized', reason);
  };

  const session = (body: string, response: ServerResponse): Answer => {
    const form = new URLSearchParams(body);
    if (form.get('name') !== user || form.get('password') !== password) {
      throw new CouchRefusal(401, 'unauthorized', 'Name or password is incorrect.');
    }
    const id = randomUUID();
    sessions.add(id);
    response.setHeader('set-cookie', `AuthSession=${id}; Version=1; Path=/; HttpOnly`);
    return { status: 200, body: { ok: true, name: user, roles: ['_admin'] } };
  };

  const route = (method: string, url: URL, type: string | undefined, body: string): Answer => {
    const [name, ...rest] = url.pathname.split('/').slice(1).map(decodeURIComponent);
    const id = rest.join('/');
    if (!name) return { status: 200, body: { couchdb: 'Welcome', version: '3.5.0', vendor: { name: 'a stand-in' } } };
    if (id === '') {
      if (method === 'PUT') {
        create(name);
        return { status: 201, body: { ok: true } };
      }
      if (method === 'GET' || method === 'HEAD') {
        const { size } = database(name).documents;
        return { status: 200, body: { db_name: name, doc_count: size, update_seq: `${size}-stand-in` } };
      }
    }
    const { documents, put, bulk } = database(name);
    if (method === 'GET' && id === '_all_docs') {
      const whole = url.searchParams.get('include_docs') === 'true';
      const rows = [...documents.values()]
        .sort((a, b) => (a._id < b._id ? -1 : 1))
        .map((doc) => ({ id: doc._id, key: doc._id, value: { rev: doc._rev }, ...(whole && { doc }) }));
      return { status: 200, body: { total_rows: rows.length, offset: 0, rows } };
    }
    if (method === 'GET' && id === '_changes') {
      // Documents in the order of their arrival; a document that was written again keeps its place.
      const since = Number.parseInt(url.searchParams.get('since') ?? '0', 10);
      const limit = Number(url.searchParams.get('limit') ?? documents.size);
      const whole = url.searchParams.get('include_docs') === 'true';
      const results = [...documents.values()].slice(since, since + limit).map((doc, index) => {
        const seq = `${since + index + 1}-stand-in`;
        return { seq, id: doc._id, changes: [{ rev: doc._rev }], ...(whole && { doc }) };
      });
      const last = since + results.length;
      return { status: 200, body: { results, last_seq: `${last}-stand-in`, pending: documents.size - last } };
    }
    if (method === 'GET' || method === 'HEAD') {
      const found = documents.get(id);
      if (!found) throw new CouchRefusal(404, 'not_found', 'missing');
      return { status: 200, body: found };
    }
    if (!type?.startsWith('application/json')) {
      throw new CouchRefusal(415, 'bad_content_type', 'Content-Type must be application/json');
    }
    if (method === 'POST' && id === '_bulk_docs') return { status: 201, body: bulk(jsonOf(body)) };
    if (method === 'POST' && id === '') return { status: 201, body: put(jsonOf(body)) };
    if (method === 'PUT') return { status: 201, body: put(jsonOf(body), id) };
    throw new CouchRefusal(405, 'method_not_allowed', 'Only DELETE,GET,HEAD,PUT,POST allowed');
  };

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? '/', 'http://couchdb');
    const method = request.method ?? 'GET';
    const body = await bodyOf(request);
    const asked = { method, path: url.pathname, documents: documentsIn(method, url.pathname, body) };
    requests.push(asked);
    const what = fault && fault.times > 0 && fault.fits(asked) ? fault.what : undefined;
    if (fault && what) fault.times -= 1;
    if (what?.kind === 'slow') await delay(what.ms);
    if (what?.kind === 'hang') return;
    const { status, body: content } = ((): Answer => {
      try {
        if (what?.kind === 'status') {
          for (const [header, value] of Object.entries(what.headers ?? {})) response.setHeader(header, value);
          const error = what.error ?? refusals[what.status] ?? 'unknown_error';
          throw new CouchRefusal(what.status, error, 'asked for by the test');
        }
        if (Buffer.byteLength(body) > limits.request) {
          throw new CouchRefusal(413, 'too_large', 'the request entity is too large');
        }
        if (method === 'POST' && url.pathname === '/_session') return session(body, response);
        admit(request);
        return route(method, url, request.headers['content-type'], body);
      } catch (error) {
        if (!(error instanceof CouchRefusal)) throw error;
        return { status: error.status, body: { error: error.error, reason: error.message } };
      }
    })();
    if (what?.kind === 'mute') return;
    const text = `${JSON.stringify(content)}\n`;
    response.writeHead(status, { server: 'CouchDB/3.5.0 (stand-in)', 'content-type': 'application/json' });
    if (what?.kind === 'cut') {
      response.write(text.slice(0, text.length / 2), () => response.destroy());
      return;
    }
    response.end(what?.kind === 'garbage' ? '<html>what?' : method === 'HEAD' ? '' : text);
  };

  let server: Server;
  const start = async () => {
    const listener = (request: IncomingMessage, response: ServerResponse) => {
      answer(request, response).catch(() => response.destroy());
    };
    server = tls ? createTlsServer(tls, listener) : createServer(listener);
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  };
  await start();

  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    port,
    requests,
    fault(what, times = Number.POSITIVE_INFINITY, fits = () => true) {
      fault = what && { what, times, fits };
    },
    credentials(nextUser, nextPassword) {
      user = nextUser;
      password = nextPassword;
    },
    limits(next) {
      limits = { ...limits, ...next };
    },
    validate(next) {
      rule = next;
    },
    createDatabase: create,
    documents: (name) => databases.get(name)?.documents ?? new Map(),
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
    start,
  };
}

type Answer = { readonly status: number; readonly body: unknown };

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new CouchRefusal(400, 'bad_request', 'invalid UTF-8 JSON');
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

function documentsIn(method: string, path: string, body: string): number {
  if (path.endsWith('/_bulk_docs')) return body.split('"_id"').length - 1;
  return (method === 'PUT' && path.split('/').length > 2) || (method === 'POST' && body !== '') ? 1 : 0;
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { port: { type: 'string' }, user: { type: 'string' }, password: { type: 'string' } },
  });
  const { port, user, password = '' } = values;
  const couch = await startCouchDb({ port: Number(port ?? 0), ...(user !== undefined && { user, password }) });
  process.stdout.write(`${JSON.stringify({ msg: 'listening', url: couch.url })}\n`);
  process.once('SIGTERM', () => void couch.stop());
}
