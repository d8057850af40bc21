/** The id of a request: the client's `x-request-id` if it is plain, else a new one. */
import { randomUUID } from 'node:crypto';

const form = /^[A-Za-z0-9._+/=-]{1,200}$/;

export function chooseRequestId(header: string | string[] | undefined): string {
  return typeof header === 'string' && form.test(header) ? header : randomUUID();
}
