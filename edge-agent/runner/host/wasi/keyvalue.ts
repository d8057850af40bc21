/**
 * wasi:keyvalue (store, atomics, batch): the function's values on this device, in the agent's store. Every operation is
 * one request to the agent. The guest stands still until the reply, because the operations are short. The agent
 * enforces the limits.
 *
 * Invariant: a refused value of the guest becomes an `error` value. The agent checks names, keys and values.
 */
import { createHash } from 'node:crypto';
import type { KeyPage, KeyvalueRequest } from '../../protocol/capability-requests.ts';
import type { CallChannel } from '../../protocol/channel.ts';

/** Maximum number of keys in one call of `batch`; they are requested one after another. */
const maxBatch = 1_000;
/** Maximum size of the result of one `get-many`, in bytes. */
const maxBatchBytes = 8 * 1024 * 1024;

type StoreError = { readonly tag: 'no-such-store' | 'access-denied' } | { readonly tag: 'other'; readonly val: string };
type Operation<A = KeyvalueRequest> = A extends KeyvalueRequest ? Omit<A, 'do' | 'bucket'> : never;
type Asked = { readonly value: unknown; readonly bytes: Uint8Array };

/** jco's convention: a thrown value is the guest's error. */
function fail(name: string): never {
  throw (
    name === 'no-such-store' || name === 'access-denied' ? { tag: name } : { tag: 'other', val: name }
  ) as StoreError;
}

// Functions for the host only are outside of the class: a guest's imports may name any function of the class, static or
// not.
let bucketNamed: (current: () => CallChannel, name: string) => Bucket;
let askOf: (bucket: Bucket, operation: Operation, bytes?: Uint8Array) => Asked;

class Bucket {
  #ask: (operation: Operation, bytes?: Uint8Array) => Asked = () => fail('no-such-store');

  static {
    bucketNamed = (current, bucket) => {
      const made = new Bucket();
      made.#ask = (operation, bytes) => {
        const ask = { ...operation, do: 'keyvalue', bucket } as KeyvalueRequest;
        const answer = current().askNow(ask, bytes);
        return answer.reply.error === undefined
          ? { value: answer.reply.value, bytes: answer.bytes }
          : fail(answer.reply.error);
      };
      return made;
    };
    askOf = (bucket, operation, bytes) => bucket.#ask(operation, bytes);
  }

  get(key: string): Uint8Array | undefined {
    const { value, bytes } = this.#ask({ op: 'get', key });
    return value === true ? bytes : undefined;
  }

  set(key: string, value: Uint8Array): void {
    this.#ask({ op: 'set', key }, value);
  }

  delete(key: string): void {
    this.#ask({ op: 'delete', key });
  }

  exists(key: string): boolean {
    return this.#ask({ op: 'exists', key }).value === true;
  }

  /** The cursor is the last key of the page before. */
  listKeys(cursor: string | undefined): { keys: readonly string[]; cursor: string | undefined } {
    const { keys, more } = this.#ask({ op: 'keys', after: cursor ?? null }).value as KeyPage;
    return { keys, cursor: more ? keys.at(-1) : undefined };
  }
}

/** A value at the time it was read. It is replaced only if no other call has changed it. */
class Cas {
  #bucket = new Bucket();
  #key = '';
  #seen: Uint8Array | undefined;

  static new(bucket: Bucket, key: string): Cas {
    const cas = new Cas();
    cas.#bucket = bucket;
    cas.#key = key;
    cas.#seen = bucket.get(key);
    return cas;
  }

  current(): Uint8Array | undefined {
    return this.#seen;
  }

  static swap(cas: Cas, value: Uint8Array): void {
    const seen = cas.#seen ? createHash('sha256').update(cas.#seen).digest('hex') : null;
    let swapped = false;
    try {
      swapped = askOf(cas.#bucket, { op: 'swap', key: cas.#key, seen }, value).value === true;
    } catch (error) {
      throw asStoreError(error);
    }
    if (!swapped) throw { tag: 'cas-failed', val: Cas.new(cas.#bucket, cas.#key) };
  }
}

/** These errors are not the guest's: the call was ended, or the agent is gone. */
function asStoreError(error: unknown): unknown {
  return error instanceof Error ? error : { tag: 'store-error', val: error };
}

function getMany(bucket: Bucket, keys: readonly string[]): ([string, Uint8Array] | undefined)[] {
  checkCount(keys.length);
  let bytes = 0;
  return keys.map((key) => {
    const value = bucket.get(key);
    bytes += value?.byteLength ?? 0;
    if (bytes > maxBatchBytes) fail(`a batch of more than ${maxBatchBytes} bytes`);
    return value && [key, value];
  });
}

function checkCount(count: number): void {
  if (count > maxBatch) fail(`a batch of ${count} keys; ${maxBatch} are allowed`);
}

/** @param current channel of the call that the instance is running */
export function createKeyvalue(current: () => CallChannel): Record<string, object> {
  return {
    'wasi:keyvalue/store': {
      Bucket,
      open(identifier: string): Bucket {
        const bucket = bucketNamed(current, identifier);
        // A function without a store, or with an invalid name, gets the error here and not at its first use.
        askOf(bucket, { op: 'exists', key: '' });
        return bucket;
      },
    },
    'wasi:keyvalue/atomics': {
      Cas,
      increment: (bucket: Bucket, key: string, delta: bigint): bigint =>
        BigInt(String(askOf(bucket, { op: 'increment', key, delta: String(delta) }).value)),
      swap: Cas.swap,
    },
    'wasi:keyvalue/batch': {
      getMany,
      setMany(bucket: Bucket, pairs: readonly [string, Uint8Array][]): void {
        checkCount(pairs.length);
        for (const [key, value] of pairs) bucket.set(key, value);
      },
      deleteMany(bucket: Bucket, keys: readonly string[]): void {
        checkCount(keys.length);
        for (const key of keys) bucket.delete(key);
      },
    },
  };
}
