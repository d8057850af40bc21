/** wasi:random with a bound on each request: the guest chooses the length, and it is our memory. */
import { webcrypto } from 'node:crypto';

/** Bytes of one request at most. */
const longestRequest = 1024 * 1024;
/** Bytes that the generator gives at once (Web Cryptography API, getRandomValues). */
const quota = 65_536;

function getRandomBytes(length: bigint): Uint8Array {
  if (typeof length !== 'bigint') throw new TypeError(`a length of ${length}`);
  if (length > longestRequest) throw new Error(`${length} random bytes at once; the limit is ${longestRequest}`);
  const bytes = new Uint8Array(Number(length));
  for (let at = 0; at < bytes.byteLength; at += quota) webcrypto.getRandomValues(bytes.subarray(at, at + quota));
  return bytes;
}

const getRandomU64 = (): bigint => webcrypto.getRandomValues(new BigUint64Array(1))[0] ?? 0n;

export const random = { getRandomBytes, getRandomU64 };
export const insecure = { getInsecureRandomBytes: getRandomBytes, getInsecureRandomU64: getRandomU64 };
export const insecureSeed = { insecureSeed: (): [bigint, bigint] => [getRandomU64(), getRandomU64()] };
