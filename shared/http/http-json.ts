/**
 * Calls of a wasi:http function without HTTP: JSON in, JSON out. The input becomes the body of a POST to `/`. An answer
 * with a status of 400 or above is an error.
 */
import { SkerryError } from '../errors.ts';
import type { RequestHead, ResponseHead } from './http.ts';

/** Maximum length of a function's error text in the message for the caller, in characters. */
const maxMessageCharacters = 4096;

const json = 'application/json';

/** @param authority host and port in the caller's form */
export function jsonRequestHead(authority: string, input: Uint8Array): RequestHead {
  const headers: [string, string][] = [
    ['content-type', json],
    ['accept', json],
    ['content-length', String(input.byteLength)],
  ];
  return { method: 'POST', scheme: 'http', authority: authority.slice(0, 300), path: '/', headers };
}

/**
 * @returns the body, or the JSON `null` for an empty body
 * @throws SkerryError('function_error') for a status of 400 or above, with the text of the body if there is one
 */
export function toJsonOutput(head: ResponseHead, body: Uint8Array): Uint8Array {
  if (head.status >= 400) throw new SkerryError('function_error', describeFailure(head, body));
  return body.byteLength === 0 ? Buffer.from('null') : body;
}

/** @param limit maximum size of the function's answer, in bytes */
export function outputTooLarge(limit: number): SkerryError {
  return new SkerryError('function_output_too_large', `the answer has more than ${limit} bytes`);
}

function describeFailure({ status }: ResponseHead, body: Uint8Array): string {
  const text = decodeText(body).slice(0, maxMessageCharacters).trim();
  return text === '' ? `the function answered with status ${status}` : text;
}

/** @returns the text, or an empty text for bytes that are not UTF-8 */
function decodeText(body: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    return '';
  }
}
