/**
 * A client of the control plane's API. It adds the token to a request, takes the data out of the envelope, and turns
 * every failure into a `CliFailure` with the server's own message.
 */
import { type ErrorCode, errorKinds } from '@skerry/shared/errors.ts';
import { CliFailure } from '../terminal/failure.ts';
import type { ServerConnection } from './connection.ts';
import { exchange, type HttpReply } from './exchange.ts';

export type RequestOptions = {
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as multipart/form-data. */
  readonly form?: FormData;
  readonly headers?: Readonly<Record<string, string>>;
  /** Time limit of the whole answer, in milliseconds. */
  readonly timeoutMs?: number;
};

export type ApiReply<Data> = {
  readonly status: number;
  readonly headers: HttpReply['headers'];
  readonly data: Data;
};

export type Client = {
  readonly server: string;
  /** Data is undefined where the answer has no body. @throws CliFailure */
  request<Data>(method: string, path: string, options?: RequestOptions): Promise<ApiReply<Data>>;
  /** The data of a GET. @throws CliFailure */
  get<Data>(path: string): Promise<Data>;
};

const defaultTimeoutMs = 30_000;

export function createClient({ server, token }: ServerConnection): Client {
  async function request<Data>(method: string, path: string, options: RequestOptions = {}): Promise<ApiReply<Data>> {
    const { timeoutMs = defaultTimeoutMs } = options;
    const { body, contentType } = await encodeBody(options);
    const headers = {
      ...options.headers,
      accept: 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(contentType !== undefined && { 'content-type': contentType }),
    };
    const pending = exchange(new URL(path, server), {
      method,
      headers,
      timeoutMs,
      ...(body !== undefined && { body }),
    });
    const answer = await pending.catch((cause: unknown) => {
      throw new CliFailure('unreachable', `cannot reach ${server}: ${describeError(cause)}`, { cause });
    });
    if (answer.status < 200 || answer.status > 299) throw refusal(answer.status, answer.text, token !== undefined);
    return { status: answer.status, headers: answer.headers, data: dataEnvelope<Data>(answer.text, server) };
  }
  return {
    server,
    request,
    get: async <Data>(path: string) => (await request<Data>('GET', path)).data,
  };
}

type Body = { readonly body?: string | Uint8Array; readonly contentType?: string };

async function encodeBody({ json, form }: RequestOptions): Promise<Body> {
  if (json !== undefined) return { body: JSON.stringify(json), contentType: 'application/json' };
  if (form === undefined) return {};
  const encoded = new Response(form);
  const contentType = encoded.headers.get('content-type');
  return { body: await encoded.bytes(), ...(contentType !== null && { contentType }) };
}

/** Escapes the parts and joins them to a path under /v1. */
export function apiPath(...parts: readonly string[]): string {
  return `/v1/${parts.map(encodeURIComponent).join('/')}`;
}

function describeError(error: unknown): string {
  // The addresses of a name that all failed.
  if (error instanceof AggregateError) return describeError(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}

function dataEnvelope<Data>(text: string, server: string): Data {
  if (text === '') return undefined as Data;
  try {
    const envelope = JSON.parse(text) as { data: Data };
    if (typeof envelope === 'object' && envelope !== null && 'data' in envelope) return envelope.data;
  } catch {
    // Falls through: this server does not speak our API.
  }
  throw new CliFailure('failed', `the answer of ${server} is not one of Skerry's API; is it the right server?`);
}

/**
 * `detail` is FunLess's phrase. `message`, which may be absent, says more. Messages about fields are under `fields`, and
 * also beside the other keys, as FunLess has them. There, messages about a field named `code` have no place.
 */
type ErrorBody = {
  errors?: { detail?: unknown; message?: unknown; code?: unknown; fields?: object } & Record<string, unknown>;
};

function refusal(status: number, text: string, hadToken: boolean): CliFailure {
  let errors: ErrorBody['errors'];
  try {
    errors = (JSON.parse(text) as ErrorBody | null)?.errors;
  } catch {
    errors = undefined;
  }
  const { detail, message, code, fields, ...beside } = errors ?? {};
  const named = Object.entries(fields ?? beside).flatMap(([field, messages]) =>
    Array.isArray(messages) ? messages.map((text) => `${field} ${text}`) : [],
  );
  const description = [message, detail].find((text) => typeof text === 'string' && text !== '');
  const parts = named.length > 0 ? named : [description ?? `HTTP status ${status}`];
  if (status === 401) parts.push(hadToken ? 'the token is not valid here' : 'no token; see: skerry login --help');
  return new CliFailure('failed', parts.join('; '), {
    status,
    code: typeof code === 'string' && code in errorKinds ? (code as ErrorCode) : undefined,
  });
}
