/** Resolves a host to the one address that is connected to. All of its addresses must be allowed. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Grants } from '@skerry/shared/function/manifest.ts';
import { type EgressTarget, isAllowed, isNamed } from './egress.ts';
import type { HttpErrorCode } from './request.ts';

/** All addresses of a name, in the order in which to try them. @throws an error with Node's code */
export type Resolve = (host: string) => Promise<readonly string[]>;

/** The system's resolver, IPv4 first: a device may well have no route for IPv6. */
export const systemResolve: Resolve = async (host) => {
  const found = await lookup(host, { all: true, order: 'ipv4first' });
  return found.map(({ address }) => address);
};

/**
 * Resolved once, so a second answer of the same name server does not matter.
 * @returns an address, or why there is none
 */
export async function findAddress(
  grants: Pick<Grants, 'http' | 'networks'>,
  target: EgressTarget,
  resolve: Resolve,
): Promise<{ readonly address: string } | { readonly error: HttpErrorCode }> {
  if (!isNamed(grants.http, target)) return { error: 'HTTP-request-denied' };
  let addresses: readonly string[];
  try {
    addresses = isIP(target.host) === 0 ? await resolve(target.host) : [target.host];
  } catch (error) {
    return { error: (error as NodeJS.ErrnoException).code === 'ETIMEOUT' ? 'DNS-timeout' : 'DNS-error' };
  }
  const [address] = addresses;
  if (address === undefined) return { error: 'DNS-error' };
  return addresses.every((each) => isAllowed(grants, target, each)) ? { address } : { error: 'HTTP-request-denied' };
}
