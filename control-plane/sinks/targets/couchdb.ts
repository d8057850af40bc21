/**
 * A CouchDB database as a sink, through nano. The id of the invocation is the document's `_id`, so a repeat meets a
 * conflict, and a conflict means that the document is there: no document is ever changed.
 *
 * One document goes with PUT, several with `_bulk_docs` (docs.couchdb.org, "API Reference", `/{db}/_bulk_docs`), which
 * reports each by itself. Where CouchDB refuses a whole batch for the fault of one document (400, 413), halves of it
 * are tried, down to that one. Answers that do not depend on the document (401, 403, 404, 429, 5xx, and anything that
 * CouchDB does not say) are the sink's fault.
 */
import type { CouchdbParams } from '@skerry/shared/function/sinks.ts';
import nano from 'nano';
import { createExchange, failureReason, retryAfterMs } from '../../outbound/http-exchange.ts';
import { reasonOf } from '../../outbound/reason.ts';
import { couchTarget } from './couchdb-target.ts';
import { createDispatcher, type ExchangeEnd } from './nano-dispatcher.ts';
import { type Delivered, type DeliveryVerdict, type OpenSink, type SinkDocument, taken } from './open-sink.ts';

export function openCouchdb(params: CouchdbParams, timeoutMs?: number): OpenSink {
  const { server, database, authorization } = couchTarget(params);
  const exchange = createExchange(params.ca, timeoutMs);
  let end: ExchangeEnd | undefined;
  const config = {
    url: server,
    parseUrl: false,
    headers: { ...(authorization !== undefined && { Authorization: authorization }), 'Accept-Encoding': 'identity' },
    agentOptions: createDispatcher(exchange, (next) => {
      end = next;
    }),
  };
  const couch = nano(config);

  /** One request at a time: its end on the wire is reported beside nano's answer. Never rejects. */
  const ask = async (request: Ask, signal: AbortSignal): Promise<Answer> => {
    end = undefined;
    let refusal = '';
    const content = await couch
      .request({ db: database, ...request, signal } as nano.RequestOptions)
      .catch((error: unknown) => {
        refusal = error instanceof Error ? error.message : '';
      });
    const ended = end as ExchangeEnd | undefined;
    // Not even tried: fetch, below nano, refuses some ports (Fetch Standard, "port blocking").
    if (!ended) return { reason: signal.aborted ? 'given up' : reasonOf(`the request was not made: ${refusal}`) };
    if ('failure' in ended) return { reason: failureReason(ended.failure) };
    const { status, headers, body } = ended.answer;
    const { error, reason } = status < 300 ? {} : problemIn(body);
    const said = [`${status}`, error, reason].filter((part) => part !== undefined).join(' ');
    return { status, content, error, reason: reasonOf(`CouchDB says ${said}`), waitMs: retryAfterMs(headers) };
  };

  const createDatabase = async (signal: AbortSignal): Promise<Answer | undefined> => {
    const answer = await ask({ method: 'PUT' }, signal);
    // 412: the database exists, since another request created it in between.
    return answer.status === 201 || answer.status === 202 || answer.status === 412 ? undefined : answer;
  };

  /** Sends a request; if the database is absent and may be created, creates it and sends the request again. */
  const write = async (request: Ask, signal: AbortSignal): Promise<Answer> => {
    const answer = await ask(request, signal);
    if (answer.status !== 404 || !params.create) return answer;
    return (await createDatabase(signal)) ?? ask(request, signal);
  };

  const putOne = async (document: SinkDocument, signal: AbortSignal): Promise<Delivered> => {
    const request = { method: 'PUT', doc: document.id, body: Buffer.from(document.json) } as const;
    const answer = await write(request, signal);
    if (answer.status === 409 && answer.error === 'conflict') return { verdicts: [taken] };
    if (answer.status === 201 || answer.status === 202) {
      return isWritten(answer.content, document.id) ? { verdicts: [taken] } : strange(1);
    }
    // Is the refusal about every document, or this one? Only `_bulk_docs` keeps the two apart.
    if (answer.status === 401 || answer.status === 403) return putMany([document], signal);
    const verdict = ownFault(answer);
    return verdict ? { verdicts: [verdict] } : downBy(answer, 1);
  };

  const putMany = async (documents: readonly SinkDocument[], signal: AbortSignal): Promise<Delivered> => {
    const body = Buffer.from(`{"docs":[${documents.map(({ json }) => json).join(',')}]}`);
    const answer = await write({ method: 'POST', path: '_bulk_docs', body }, signal);
    if (answer.status === 201 || answer.status === 202) return bulkVerdicts(answer.content, documents);
    const verdict = ownFault(answer);
    if (!verdict) return downBy(answer, documents.length);
    if (documents.length === 1) return { verdicts: [verdict] };
    const half = Math.ceil(documents.length / 2);
    const first = await put(documents.slice(0, half), signal);
    if (first.down) return { ...first, verdicts: [...first.verdicts, ...unknown(documents.length - half)] };
    const second = await put(documents.slice(half), signal);
    return { ...second, verdicts: [...first.verdicts, ...second.verdicts] };
  };

  const put = (documents: readonly SinkDocument[], signal: AbortSignal): Promise<Delivered> => {
    const [only] = documents;
    return documents.length === 1 && only ? putOne(only, signal) : putMany(documents, signal);
  };

  return {
    batch: { documents: 500, bytes: 4 * 1024 * 1024 },
    deliver: put,
    async close() {
      exchange.close();
    },
  };
}

type Ask = { readonly method: 'PUT' | 'POST'; readonly doc?: string; readonly path?: string; readonly body?: Buffer };

type Answer = {
  /** Absent when there was no complete answer. */
  readonly status?: number;
  /** The body of a success, as nano read it. */
  readonly content?: unknown;
  readonly error?: string | undefined;
  readonly reason: string;
  readonly waitMs?: number | undefined;
};

const unknown = (count: number): undefined[] => new Array(count).fill(undefined);

/** The verdict on a single document by the status of its request; undefined when it is the sink's fault. */
function ownFault({ status, error, reason }: Answer): DeliveryVerdict | undefined {
  if (error === 'illegal_database_name') return undefined;
  if (status === 413) return { kind: 'refused', reason };
  // CouchDB 1 and PouchDB answer 500.
  if (error === 'doc_validation') return { kind: 'again', reason };
  return status === 400 || status === 409 || status === 412 || status === 422 ? { kind: 'again', reason } : undefined;
}

function downBy({ reason, waitMs }: Answer, count: number): Delivered {
  return { verdicts: unknown(count), down: { reason, waitMs } };
}

/** A success that is not formed as CouchDB's: the server is something else, and nothing counts as stored. */
function strange(count: number): Delivered {
  return { verdicts: unknown(count), down: { reason: 'what answers is not CouchDB, or garbles its answers' } };
}

function bulkVerdicts(content: unknown, documents: readonly SinkDocument[]): Delivered {
  if (!Array.isArray(content)) return strange(documents.length);
  const results = new Map(content.map((result: unknown) => [(result as { id?: unknown } | null)?.id, result]));
  const verdicts = documents.map(({ id }): DeliveryVerdict | undefined => {
    const result = results.get(id);
    if (isWritten(result, id)) return taken;
    const { error, reason } = readTexts(result);
    if (error === undefined) return undefined;
    if (error === 'conflict') return taken;
    return {
      kind: error === 'too_large' ? 'refused' : 'again',
      reason: reasonOf(`CouchDB says ${error} ${reason ?? ''}`),
    };
  });
  return verdicts.includes(undefined) ? { ...strange(0), verdicts } : { verdicts };
}

function isWritten(result: unknown, id: string): boolean {
  const { ok, id: written, rev } = (result ?? {}) as { ok?: unknown; id?: unknown; rev?: unknown };
  // `ok` is left out of results by some versions (docs.couchdb.org, `/{db}/_bulk_docs`, "Response JSON Array of
  // Objects").
  return written === id && (ok === true || typeof rev === 'string');
}

function readTexts(problem: unknown): { error?: string; reason?: string } {
  const { error, reason } = (problem ?? {}) as { error?: unknown; reason?: unknown };
  return { ...(typeof error === 'string' && { error }), ...(typeof reason === 'string' && { reason }) };
}

function problemIn(body: Buffer): { error?: string; reason?: string } {
  try {
    return readTexts(JSON.parse(body.toString()));
  } catch {
    return {};
  }
}
