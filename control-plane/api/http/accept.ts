/** Content negotiation: this API speaks JSON, and some of its routes another type besides. */
import { SkerryError } from '@skerry/shared/errors.ts';

const json = 'application/json';

/**
 * Lets an `Accept` header pass that has JSON or the route's own type in it (RFC 9110, section 12.5.1); one with a
 * weight of 0 does not count. JSON passes everywhere, since that is what errors are in.
 * @throws SkerryError not_acceptable
 */
export function needType(accept: string | undefined, type: string = json): void {
  if (accept === undefined || accept === '*/*' || accept.trim() === '') return;
  const accepted = accept.split(',').some((range) => {
    const [name = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    return fits(name, type) && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
  if (accepted) return;
  throw new SkerryError('not_acceptable', `This is answered in ${type === json ? json : `${type} or ${json}`} only`);
}

function fits(range: string, type: string): boolean {
  if (range === '*/*') return true;
  return [type, json].some((one) => range === one || range === `${one.slice(0, one.indexOf('/'))}/*`);
}
