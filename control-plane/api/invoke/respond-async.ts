/**
 * `Prefer: respond-async` (RFC 7240, section 4.1): the call is stored and runs as soon as an agent can run it. The
 * answer is 202 with the URL of its outcome.
 */
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { SkerryError } from '@skerry/shared/errors.ts';
import type { RequestHead } from '@skerry/shared/http/http.ts';
import type { AgentService } from '../../agents/agents.ts';
import type { CatalogFunction } from '../../model/catalog-function.ts';
import type { KeptInvocations, NewInvocation } from '../../model/invocation.ts';
import { isForbidden } from '../../outbound/forbidden-addresses.ts';

/** An asynchronous call, read from the request. */
type AsyncCall = {
  readonly function: CatalogFunction;
  readonly input: Uint8Array;
  readonly headers: IncomingHttpHeaders;
  /** The request, where the function gets it. */
  readonly http: RequestHead | undefined;
  readonly agent?: string;
  readonly traceparent?: string;
  /** Name of the calling subject. */
  readonly createdBy: string;
};

const maxUrlLength = 2_048;

/** Whether a `Prefer` header asks for it (RFC 7240, section 2); its `wait` is ignored. */
export function prefersAsync(prefer: string | string[]): boolean {
  return String(prefer)
    .split(',')
    .some((preference) => /^\s*respond-async\s*(?:;|$)/i.test(preference));
}

/**
 * A synchronous call has no callback, so a caller that asks for one would wait without an end.
 * @throws SkerryError bad_request
 */
export function refuseCallback(headers: IncomingHttpHeaders): void {
  if (headers['x-callback-url'] === undefined) return;
  throw new SkerryError('bad_request', 'X-Callback-Url is for asynchronous calls: "Prefer: respond-async" is missing');
}

/** Builds the invocation of a call. @throws SkerryError bad_request, payload_too_large */
export function newInvocation(call: AsyncCall, createdAt: Date): NewInvocation {
  const { function: fn, input, headers, http, agent, traceparent, createdBy } = call;
  const { input_bytes: limit } = fn.manifest.limits;
  if (input.byteLength > limit) {
    throw new SkerryError('payload_too_large', `the input has ${input.byteLength} bytes, the function takes ${limit}`);
  }
  const key = idempotencyKey(headers['idempotency-key']);
  const callback = callbackUrl(headers['x-callback-url']);
  const asked = [agent ?? null, callback ?? null, http && [http.method, http.path]];
  const digest = () =>
    createHash('sha256')
      .update(`${JSON.stringify(asked)}\0`)
      .update(input)
      .digest('hex');
  return {
    function: fn,
    input,
    origin: 'api',
    createdAt,
    createdBy,
    onlyAgent: agent,
    traceparent,
    http,
    callbackUrl: callback,
    idempotency: key === undefined ? undefined : { key, digest: digest() },
  };
}

/** The services that store invocations and know the agents. */
export type AsyncServices = {
  readonly invocations: Pick<KeptInvocations, 'enqueue'>;
  readonly agents: Pick<AgentService, 'get'>;
};

/**
 * Stores the invocation and answers. An invocation for an unknown agent would wait without an end, so it is refused.
 * @throws SkerryError not_found, conflict, queue_full, store_unavailable; nothing is out then
 */
export async function answerAsync(
  invocation: NewInvocation,
  { invocations, agents }: AsyncServices,
  outgoing: ServerResponse,
  requestId: string,
): Promise<void> {
  const asked = invocation.onlyAgent;
  const onlyAgent = asked === undefined ? undefined : (await agents.get(asked)).name;
  const [kept] = await invocations.enqueue([{ ...invocation, onlyAgent }]);
  if (!kept) throw new SkerryError('internal', 'the enqueued invocation was not returned');
  const body = JSON.stringify({ data: { id: kept.id } });
  outgoing.writeHead(202, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    location: `/v1/invocations/${kept.id}`,
    'preference-applied': 'respond-async',
    'x-skerry-invocation': kept.id,
    'x-request-id': requestId,
  });
  outgoing.end(body);
}

function idempotencyKey(value: string | string[] | undefined): string | undefined {
  if (value === undefined) return undefined;
  if (/^[\x21-\x7e]{1,255}$/.test(String(value))) return String(value);
  throw new SkerryError('bad_request', 'Idempotency-Key must have 1 to 255 printable characters, none of them a space');
}

function callbackUrl(value: string | string[] | undefined): string | undefined {
  if (value === undefined) return undefined;
  const text = String(value);
  if (text.length > maxUrlLength) {
    throw new SkerryError('bad_request', `X-Callback-Url must have at most ${maxUrlLength} characters`);
  }
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') {
    throw new SkerryError('bad_request', 'X-Callback-Url must be an http:// or https:// address without credentials');
  }
  if (isForbidden(url.hostname)) {
    throw new SkerryError('bad_request', 'X-Callback-Url must not be a link-local or metadata address');
  }
  return url.href;
}
