/** Content negotiation: this API speaks JSON. */
import { SkerryError } from '@skerry/shared/errors.ts';

const json = new Set(['*/*', 'application/*', 'application/json']);

/**
 * Lets an `Accept` header pass that has JSON in it (RFC 9110, section 12.5.1); one with a weight of 0 does not count.
 * @throws SkerryError not_acceptable
 */
export function needJson(accept: string | undefined): void {
  if (accept === undefined || accept === '*/*' || accept.trim() === '') return;
  const accepted = accept.split(',').some((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    return json.has(type) && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
  if (!accepted) throw new SkerryError('not_acceptable', 'This API answers in application/json only');
}
