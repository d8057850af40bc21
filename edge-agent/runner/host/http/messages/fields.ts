/**
 * The resource `fields` of wasi:http/types: headers and trailers. Repeated fields are kept apart and in order, names in
 * their original case; names are compared without case. Values are bytes, kept as text of Latin-1 characters.
 *
 * Invariant: fields that a guest made can be sent unchanged: names are tokens, values have no control characters (RFC
 * 9110, section 5), none is a header of the connection, and the sizes fit a head of the tunnel. Fields from outside
 * have passed a parser and a schema, without the connection's headers, so that a guest that copies a head is not
 * refused for them.
 */
import { hopByHop } from '@skerry/shared/http/hop-by-hop.ts';
import type { Headers } from '@skerry/shared/http/http.ts';
import { maxHeaderCharacters, maxHeaders } from '@skerry/shared/http/http-limits.ts';

/** WIT `header-error`. */
type HeaderError = { readonly tag: 'invalid-syntax' | 'forbidden' | 'immutable' };

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/;
/** Bytes that end a value's line, or that parsers refuse. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const notInValues = /[\0-\x08\x0a-\x1f\x7f]/;
const length = /^[0-9]{1,15}$/;

/** The connection belongs to the host: RFC 9110, section 7.6.1, and RFC 9112; `host` is the request's authority. */
const forbidden: ReadonlySet<string> = new Set([...hopByHop, 'host']);

type Entry = readonly [name: string, value: string];

// Functions of the host only are outside of the class: a guest's imports may name any of its functions, static or not.

/** Immutable fields, of a message that arrived. */
export let receivedFields: (headers: Headers) => Fields;

/** The contents, for sending. From then on they do not change. */
export let sealFields: (fields: Fields) => Headers;

/** The declared length of a body; undefined without one. */
export function readContentLength(headers: Headers): number | undefined {
  const value = headers.find(([name]) => name.toLowerCase() === 'content-length')?.[1];
  return value === undefined ? undefined : Number(value);
}

export class Fields {
  #entries: Entry[] = [];
  #immutable = false;

  static {
    receivedFields = (headers) => {
      const fields = new Fields();
      fields.#entries = headers.filter(([name]) => !forbidden.has(name.toLowerCase()));
      fields.#immutable = true;
      return fields;
    };
    sealFields = (fields) => {
      fields.#immutable = true;
      return fields.#entries;
    };
  }

  static fromList(list: readonly (readonly [string, Uint8Array])[]): Fields {
    const fields = new Fields();
    for (const [name, value] of list) fields.append(name, value);
    return fields;
  }

  get(name: string): Uint8Array[] {
    return this.#named(name).map(([, value]) => Buffer.from(value, 'latin1'));
  }

  has(name: string): boolean {
    return this.#named(name).length > 0;
  }

  set(name: string, values: readonly Uint8Array[]): void {
    this.#change(name);
    if (values.length > maxHeaders) throw new Error(`${values.length} headers`);
    const texts = values.map((value) => this.#checked(name, value));
    const key = name.toLowerCase();
    this.#replace([
      ...this.#entries.filter(([other]) => other.toLowerCase() !== key),
      ...texts.map((text): Entry => [name, text]),
    ]);
  }

  delete(name: string): void {
    this.#change(name);
    const key = name.toLowerCase();
    this.#replace(this.#entries.filter(([other]) => other.toLowerCase() !== key));
  }

  append(name: string, value: Uint8Array): void {
    this.#change(name);
    this.#replace([...this.#entries, [name, this.#checked(name, value)]]);
  }

  entries(): [string, Uint8Array][] {
    return this.#entries.map(([name, value]) => [name, Buffer.from(value, 'latin1')]);
  }

  /** Of WASI 0.3, like the next. */
  copyAll(): [string, Uint8Array][] {
    return this.entries();
  }

  getAndDelete(name: string): Uint8Array[] {
    const values = this.get(name);
    this.delete(name);
    return values;
  }

  clone(): Fields {
    const fields = new Fields();
    fields.#entries = this.#entries.slice();
    return fields;
  }

  #named(name: string): Entry[] {
    const key = name.toLowerCase();
    return this.#entries.filter(([other]) => other.toLowerCase() === key);
  }

  #change(name: string): void {
    if (this.#immutable) throw { tag: 'immutable' } satisfies HeaderError;
    if (typeof name !== 'string' || !token.test(name)) throw { tag: 'invalid-syntax' } satisfies HeaderError;
    if (forbidden.has(name.toLowerCase())) throw { tag: 'forbidden' } satisfies HeaderError;
  }

  #checked(name: string, value: Uint8Array): string {
    const text = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1');
    if (notInValues.test(text)) throw { tag: 'invalid-syntax' } satisfies HeaderError;
    if (name.toLowerCase() === 'content-length' && !length.test(text)) {
      throw { tag: 'invalid-syntax' } satisfies HeaderError;
    }
    return text;
  }

  /** @throws Error, which ends the guest, when there is more than a head may have: WIT has no case for that */
  #replace(entries: Entry[]): void {
    const lengths = entries.filter(([name]) => name.toLowerCase() === 'content-length');
    if (lengths.length > 1) throw { tag: 'invalid-syntax' } satisfies HeaderError;
    const characters = entries.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
    if (entries.length > maxHeaders || characters > maxHeaderCharacters) {
      throw new Error(`${entries.length} headers of ${characters} characters`);
    }
    this.#entries = entries;
  }
}
