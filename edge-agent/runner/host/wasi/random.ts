/** wasi:random with a bound on each request: the guest chooses the length, and the host's memory pays for it. */
import { webcrypto } from 'node:crypto';

/** Maximum size of one request, in bytes. */
const longestRequest = 1024 * 1024;
/** Size of one request to the generator, in bytes (Web Cryptography API, getRandomValues). */
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
