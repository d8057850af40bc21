/**
 * Where a sink never leads, whatever its address says: link-local networks, where clouds answer any process with the
 * machine's own credentials. Private networks are open, since a CouchDB beside the control plane is the usual one.
 *
 * Judged is the address that is connected to, so that no name server can say one thing first and another thing then.
 */
import { lookup as systemLookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

const forbidden = new BlockList();
// RFC 3927 and RFC 4291, section 2.5.6; then where clouds outside of these have their metadata.
forbidden.addSubnet('169.254.0.0', 16, 'ipv4');
forbidden.addSubnet('fe80::', 10, 'ipv6');
forbidden.addAddress('100.100.100.200', 'ipv4');
forbidden.addAddress('fd00:ec2::254', 'ipv6');

/** @param host an address or a name; a name is judged when it is looked up */
export function isForbidden(host: string): boolean {
  const family = isIP(host);
  return family !== 0 && forbidden.check(host, family === 6 ? 'ipv6' : 'ipv4');
}

/** The system's, without what is forbidden; fails with `EACCES` where nothing else is left. */
export const guardedLookup: LookupFunction = (hostname, options, callback) => {
  systemLookup(hostname, { ...options, all: true }, (error, found) => {
    if (error) return callback(error, '', 4);
    const allowed = found.filter(({ address }) => !isForbidden(address));
    const [first] = allowed;
    if (!first) return callback(forbiddenError(hostname), '', 4);
    return options.all ? callback(null, allowed) : callback(null, first.address, first.family);
  });
};

/** As the system's errors are, so that it is told like them. */
export function forbiddenError(host: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${host} is an address that nothing is sent to`), { code: 'EACCES' });
}
