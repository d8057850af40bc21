/**
 * Decides which headers and trailers pass between a caller and a function, in both directions.
 *
 * Headers about one connection do not pass (RFC 9110, section 7.6.1: `connection`, the headers that it names, and other
 * hop-by-hop ones). `x-skerry-*` is Skerry's own in both directions, `authorization` holds the caller's token for
 * Skerry, `host` becomes the authority, `expect` is answered here. All others pass unchanged, repeated ones apart and
 * in order.
 */
import { SkerryError } from '@skerry/shared/errors.ts';
import { hopByHop } from '@skerry/shared/http/hop-by-hop.ts';
import type { Headers } from '@skerry/shared/http/http.ts';

const ofTheConnection: ReadonlySet<string> = new Set(hopByHop);
const ofTheCaller = new Set(['authorization', 'expect', 'host']);
/** Set by us in every answer. */
const ofTheAnswer = new Set(['x-request-id']);
/** Fields that a trailer must not carry, since they frame, route or authenticate (RFC 9110, section 6.5.1). */
const notInTrailers = new Set(['authorization', 'content-length', 'cookie', 'host', 'set-cookie', 'trailer']);

/** RFC 9110, section 5.6.2. */
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** RFC 9110, section 5.5: visible characters, blanks, tabs, and the upper half of Latin-1. */
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/;

/** @param raw alternating names and values, as Node gives them */
export function requestHeaders(raw: readonly string[]): [name: string, value: string][] {
  return passing(inPairs(raw), (name) => !ofTheCaller.has(name));
}

/** @param raw alternating names and values, as Node gives them */
export function requestTrailers(raw: readonly string[]): [name: string, value: string][] {
  return passing(inPairs(raw), (name) => !ofTheCaller.has(name) && !notInTrailers.has(name));
}

/** @throws SkerryError function_http_error when a name or value is not allowed in an answer */
export function responseHeaders(headers: Headers): [name: string, value: string][] {
  checkForm(headers);
  return passing(headers, (name) => !ofTheAnswer.has(name));
}

/** @throws SkerryError function_http_error */
export function responseTrailers(trailers: Headers): [name: string, value: string][] {
  checkForm(trailers);
  return passing(trailers, (name) => !ofTheAnswer.has(name) && !notInTrailers.has(name));
}

function passing(headers: Headers, wanted: (name: string) => boolean): [name: string, value: string][] {
  let named: Set<string> | undefined;
  for (const [name, value] of headers) {
    if (name.length === 10 && name.toLowerCase() === 'connection') {
      named ??= new Set();
      for (const option of value.split(',')) named.add(option.trim().toLowerCase());
    }
  }
  const kept: [string, string][] = [];
  for (const [name, value] of headers) {
    const lower = name.toLowerCase();
    if (ofTheConnection.has(lower) || named?.has(lower) || lower.startsWith('x-skerry-') || !wanted(lower)) continue;
    kept.push([name, value]);
  }
  return kept;
}

function inPairs(raw: readonly string[]): Headers {
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) pairs.push([raw[at] as string, raw[at + 1] as string]);
  return pairs;
}

function checkForm(headers: Headers): void {
  for (const [name, value] of headers) {
    if (token.test(name) && fieldValue.test(value)) continue;
    throw new SkerryError(
      'function_http_error',
      `the function answered with a malformed header ${JSON.stringify(name)}`,
    );
  }
}
