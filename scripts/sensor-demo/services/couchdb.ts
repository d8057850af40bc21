/**
 * The CouchDB where reports arrive: the one of COUCHDB_URL, or a stand-in of ours. Read by its `_changes`
 * (docs.couchdb.org, "API Reference", section 1.3.8), so that each document is seen once, in the order of arrival.
 */
import { fileURLToPath } from 'node:url';
import type { Children } from './children.ts';

export type Couch = {
  /** Without user and password. */
  readonly url: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
};

/** What the sink has stored with `envelope: true`, as far as this run shows it. */
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
  /** Reports that have come since the last time, at most `pageSize` of them. Rejects when CouchDB cannot be asked. */
  next(): Promise<StoredReport[]>;
};

const standInTimeoutMs = 15_000;
const requestTimeoutMs = 10_000;
const pageSize = 200;

/** @param url of COUCHDB_URL @throws Error when it is no URL */
export function givenCouch(url: string): Couch {
  const parsed = URL.parse(url);
  // It may hold a password and is not repeated.
  if (!parsed || !/^https?:$/.test(parsed.protocol)) throw new Error('COUCHDB_URL is not an http:// or https:// URL');
  const { username, password } = parsed;
  return {
    url: `${parsed.origin}${parsed.pathname.replace(/\/$/, '')}`,
    username: username ? decodeURIComponent(username) : undefined,
    password: password ? decodeURIComponent(password) : undefined,
  };
}

/** Its documents are in memory, and gone with it. */
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
  // The sink makes the database with the first report; until then there is nothing to have seen.
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

/** @returns undefined when it is not there */
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
