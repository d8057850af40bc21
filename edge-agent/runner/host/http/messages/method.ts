/** The variant `method` of wasi:http/types, as jco represents it. */

export type Method = { readonly tag: string; readonly val?: string };

const known: ReadonlyMap<string, Method> = new Map(
  ['get', 'head', 'post', 'put', 'delete', 'connect', 'options', 'trace', 'patch'].map((tag) => [
    tag.toUpperCase(),
    { tag },
  ]),
);

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}$/;

/** The case of a method in a request. */
export const parseMethod = (name: string): Method => known.get(name) ?? { tag: 'other', val: name };

/** The method's text; undefined when it is no valid method (RFC 9110, section 9.1). */
export function nameOf({ tag, val = '' }: Method): string | undefined {
  const name = tag === 'other' ? val : tag.toUpperCase();
  return typeof name === 'string' && token.test(name) ? name : undefined;
}
