/**
 * A wasi:http function called without HTTP, JSON in and JSON out: what is given is the body of a POST to `/`, and what
 * comes back is read as HTTP says it, a status of 400 and above being an error.
 */
import { SkerryError } from '../errors.ts';
import type { RequestHead, ResponseHead } from './http.ts';

/** Bytes of a function's error text that the caller is told. */
const maxMessageBytes = 4096;

const json = 'application/json';

/** @param authority host and port as the caller named them */
export function jsonRequestHead(authority: string, input: Uint8Array): RequestHead {
  const headers: [string, string][] = [
    ['content-type', json],
    ['accept', json],
    ['content-length', String(input.byteLength)],
  ];
  return { method: 'POST', scheme: 'http', authority: authority.slice(0, 300), path: '/', headers };
}

/**
 * The body, or `null` when it is empty.
 * @throws SkerryError('function_error') for a status of 400 and above, with the body's text if it has one
 */
export function toJsonOutput(head: ResponseHead, body: Uint8Array): Uint8Array {
  if (head.status >= 400) throw new SkerryError('function_error', messageOf(head, body));
  return body.byteLength === 0 ? Buffer.from('null') : body;
}

/** @param limit bytes that the function's answer may have */
export function outputTooLarge(limit: number): SkerryError {
  return new SkerryError('function_output_too_large', `the answer has more than ${limit} bytes`);
}

function messageOf({ status }: ResponseHead, body: Uint8Array): string {
  const text = textOf(body).slice(0, maxMessageBytes).trim();
  return text === '' ? `the function answered with status ${status}` : text;
}

/** Nothing, when it is not UTF-8. */
function textOf(body: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    return '';
  }
}
