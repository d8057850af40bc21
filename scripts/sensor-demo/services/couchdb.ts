/**
 * The CouchDB where reports arrive: that of COUCHDB_URL, or a stand-in of ours. Its `_changes` (docs.couchdb.org, "API
 * Reference", section 1.3.8) give each document once, in the order of arrival.
 */
import { fileURLToPath } from 'node:url';
import type { Children } from './children.ts';

export type Couch = {
  /** Without user and password. */
  readonly url: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
};

/** The fields of a document of the sink, with `envelope: true`, that this run shows. */
export type StoredReport = {
  readonly agent: string;
  readonly created_at: string;
  readonly ended_at: string;
  readonly result: {
    readonly message: string;
    readonly sensor: string;
    readonly alert: { readonly level: string; readonly text: string } | null;
  };
};

export type Arrivals = {
  /** At most `pageSize` reports that have arrived since the last call. Rejects when CouchDB does not answer. */
  next(): Promise<StoredReport[]>;
};

const standInTimeoutMs = 15_000;
const requestTimeoutMs = 10_000;
const pageSize = 200;

/** @param url of COUCHDB_URL @throws Error when it is not a URL */
export function givenCouch(url: string): Couch {
  const parsed = URL.parse(url);
  // The message does not repeat it, because it may hold a password.
  if (!parsed || !/^https?:$/.test(parsed.protocol)) throw new Error('COUCHDB_URL is not an http:// or https:// URL');
  const { username, password } = parsed;
  return {
    url: `${parsed.origin}${parsed.pathname.replace(/\/$/, '')}`,
    username: username ? decodeURIComponent(username) : undefined,
    password: password ? decodeURIComponent(password) : undefined,
  };
}

/** Its documents are only in memory. */
export async function startStandIn(children: Children, env: Record<string, string>): Promise<Couch> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const script = fileURLToPath(new URL('../../../test/harness/couchdb/couchdb.ts', import.meta.url));
  await children.start({
    name: 'couchdb',
    command: process.execPath,
    args: [script, '--port', '0'],
    env,
    onLine: resolve,
  });
  const timer = setTimeout(() => resolve(''), standInTimeoutMs);
  const line = await promise.finally(() => clearTimeout(timer));
  if (line === '') throw new Error(`waited ${standInTimeoutMs / 1_000} s for the stand-in for CouchDB to listen`);
  return { url: (JSON.parse(line) as { url: string }).url, username: undefined, password: undefined };
}

/** Reports that arrive from now on. */
export async function watchArrivals(couch: Couch, database: string): Promise<Arrivals> {
  // The sink makes the database with the first report. Before that, there are no changes.
  let since = String((await ask<{ update_seq: string }>(couch, database))?.update_seq ?? 0);
  return {
    async next() {
      const query = new URLSearchParams({ since, limit: String(pageSize), include_docs: 'true' });
      const changes = await ask<Changes>(couch, `${database}/_changes?${query}`);
      if (!changes) return [];
      since = changes.last_seq;
      return changes.results.flatMap(({ doc }) => (doc && isReport(doc) ? [doc] : []));
    },
  };
}

type Changes = { readonly results: readonly { readonly doc?: unknown }[]; readonly last_seq: string };

/** @returns undefined when it does not exist */
async function ask<Answer>({ url, username = '', password = '' }: Couch, path: string): Promise<Answer | undefined> {
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const response = await fetch(`${url}/${path}`, {
    headers: username === '' ? {} : { authorization },
    signal: AbortSignal.timeout(requestTimeoutMs),
  }).catch(({ message, cause }: Error) => {
    throw new Error(`${url} cannot be reached: ${cause instanceof Error ? cause.message : message}`);
  });
  const body: unknown = await response.json();
  if (response.status === 404) return undefined;
  if (!response.ok) throw new Error(`CouchDB answered ${response.status}: ${JSON.stringify(body)}`);
  return body as Answer;
}

function isReport(document: unknown): document is StoredReport {
  const { result } = document as { result?: { message?: unknown; sensor?: unknown } };
  return typeof result?.message === 'string' && typeof result.sensor === 'string';
}
