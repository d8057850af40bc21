/** A request as a function sees it (shared/http/http.ts). */
import type { IncomingMessage } from 'node:http';
import { SkerryError } from '@skerry/shared/errors.ts';
import { type RequestHead, requestHeadSchema } from '@skerry/shared/http/http.ts';
import { maxPartBytes } from '@skerry/shared/http/http-limits.ts';
import { requestHeaders } from './http-headers.ts';

/**
 * The head of a request at the raw endpoint. The path is the part after `/function/{target}`, with the query, unchanged
 * and at least `/`. The scheme is that of the connection to us; a proxy in between reports its own in `forwarded`.
 * @throws SkerryError bad_request when it has more or longer parts than a call carries
 */
export function toRequestHead(incoming: IncomingMessage): RequestHead {
  const head: RequestHead = {
    method: incoming.method ?? 'GET',
    scheme: 'encrypted' in incoming.socket ? 'https' : 'http',
    authority: incoming.headers.host ?? '',
    path: pathBelow(incoming.url ?? '/'),
    headers: requestHeaders(incoming.rawHeaders),
  };
  const checked = requestHeadSchema.safeParse(head);
  if (checked.success) return head;
  const { path, message } = checked.error.issues[0] ?? { path: [], message: 'invalid' };
  throw new SkerryError('bad_request', `The request's ${path.join('.') || 'head'} cannot be passed on: ${message}`);
}

/**
 * True when there is no body, or a small body of known length: then it goes with the call's first frame.
 * @param limit bytes that a function takes as a whole
 */
export function isSmall({ headers }: IncomingMessage, limit: number): boolean {
  if (headers['transfer-encoding'] !== undefined) return false;
  return Number(headers['content-length'] ?? 0) <= Math.min(limit, maxPartBytes);
}

/** @param url the request's target: a path, or with scheme and host (RFC 9112, section 3.2.2) */
function pathBelow(url: string): string {
  const path = /^https?:\/\/[^/?#]*/i.exec(url)?.[0].length ?? 0;
  const start = url.indexOf('/function/', path) + '/function/'.length;
  const length = url.slice(start).search(/[/?#]/);
  const rest = length === -1 ? '' : url.slice(start + length);
  return rest.startsWith('/') ? rest : `/${rest}`;
}
