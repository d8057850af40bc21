/** Content negotiation: all routes speak JSON, and some another type as well. */
import { SkerryError } from '@skerry/shared/errors.ts';

const json = 'application/json';

/**
 * Accepts an `Accept` header that allows JSON or the route's own type (RFC 9110, section 12.5.1); a weight of 0
 * excludes a type. JSON is always enough, since errors are JSON.
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
