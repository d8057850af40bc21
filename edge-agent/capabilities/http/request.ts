/**
 * An outgoing request in its form on the wire: the guest's request, checked and cleaned. HTTP/1.1 frames a message by
 * its headers, so the headers that say where it ends, or that are meant for the next hop only, belong to the agent (RFC
 * 9110, section 7.6.1; RFC 9112, section 6).
 */
import { hopByHop } from '@skerry/shared/http/hop-by-hop.ts';
import type { Headers, RequestHead } from '@skerry/shared/http/http.ts';
import { canonical, type EgressTarget } from './egress.ts';

/** An error-code of wasi:http/types, by its name. */
export type HttpErrorCode = string;

export type Outgoing = {
  readonly target: EgressTarget;
  readonly secure: boolean;
  readonly method: string;
  readonly path: string;
  /** Alternating names and values, which Node keeps as they are. */
  readonly headers: string[];
  /** The length of the body, as the guest declares it. */
  readonly contentLength: number | undefined;
};

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Field values: tab, space, visible ASCII and obs-text (RFC 9110, section 5.5). No CR, LF or NUL. */
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/;
/** RFC 3986 without spaces and controls; Node would refuse them as well, by throwing. */
const pathAndQuery = /^\/[\x21-\x7e]*$/;

/** Only for the next hop, or set only by the agent. */
const hopHeaders: ReadonlySet<string> = new Set([...hopByHop, 'expect', 'host', 'trailer']);

/** The request for the wire, or why it is refused. */
export function toOutgoing({ method, scheme, authority, path, headers }: RequestHead): Outgoing | HttpErrorCode {
  if (!token.test(method) || method.toUpperCase() === 'CONNECT') return 'HTTP-request-method-invalid';
  const target = toTarget(scheme, authority);
  if (!target || !pathAndQuery.test(path)) return 'HTTP-request-URI-invalid';
  if (!areFields(headers)) return 'HTTP-request-header-size';
  const lengths = new Set(headers.filter(([name]) => isNamed(name, 'content-length')).map(([, value]) => value.trim()));
  const [length] = lengths;
  if (lengths.size > 1 || (length !== undefined && !/^[0-9]{1,15}$/.test(length))) return 'HTTP-request-body-size';
  const kept = withoutHopHeaders(headers).filter(([name]) => !isNamed(name, 'content-length'));
  return {
    target,
    secure: scheme === 'https',
    method,
    path,
    headers: [
      ...['Host', target.named, 'Connection', 'close'],
      ...(length === undefined ? [] : ['Content-Length', length]),
      ...kept.flat(),
    ],
    contentLength: length === undefined ? undefined : Number(length),
  };
}

/** True when every name is a token and no value could end its line. */
export function areFields(headers: Headers): boolean {
  return headers.every(([name, value]) => token.test(name) && fieldValue.test(value));
}

/** Without headers about one connection, including those that `Connection` names. */
export function withoutHopHeaders(headers: Headers): [string, string][] {
  const named = headers.filter(([name]) => isNamed(name, 'connection')).flatMap(([, value]) => value.split(','));
  const dropped = new Set(named.map((name) => name.trim().toLowerCase()));
  return headers
    .filter(([name]) => !hopHeaders.has(name.toLowerCase()) && !dropped.has(name.toLowerCase()))
    .map(([name, value]) => [name, value]);
}

const isNamed = (name: string, other: string): boolean => name.toLowerCase() === other;

/** Host and port, in the one form that is compared with the manifest, connected to, and sent in the request. */
function toTarget(
  scheme: 'http' | 'https',
  authority: string,
): (EgressTarget & { readonly named: string }) | undefined {
  const match = /^(\[[^\]]*\]|[^:]+)(?::([0-9]{1,5}))?$/.exec(authority);
  const host = match?.[1] === undefined ? undefined : canonical(match[1]);
  const defaultPort = scheme === 'https' ? 443 : 80;
  const port = match?.[2] === undefined ? defaultPort : Number(match[2]);
  if (host === undefined || port < 1 || port > 65_535) return undefined;
  const inUrl = host.includes(':') ? `[${host}]` : host;
  return { host, port, named: port === defaultPort ? inUrl : `${inUrl}:${port}` };
}
