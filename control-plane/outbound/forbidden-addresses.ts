/**
 * Where the control plane never connects to for a trigger, a sink or a callback, whatever its address says: link-local
 * networks, where clouds answer any process with the machine's own credentials, and what else clouds have for that.
 * Private networks are open, since a CouchDB or a broker beside the control plane is the usual one.
 *
 * Judged is the address that is connected to, so that no name server can say one thing first and another thing then.
 */
import { lookup as systemLookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

const forbidden = new BlockList();
// RFC 3927 and RFC 4291, section 2.5.6; then where Alibaba, Azure and Amazon have their metadata outside of these.
const ipv4 = [['169.254.0.0', 16] as const, ['100.100.100.200', 32] as const, ['168.63.129.16', 32] as const];
for (const [address, prefix] of ipv4) {
  // BlockList sees an IPv4-mapped address as the IPv4 address that it is; NAT64 is RFC 6052, section 2.1.
  forbidden.addSubnet(address, prefix, 'ipv4');
  forbidden.addSubnet(`64:ff9b::${address}`, 96 + prefix, 'ipv6');
}
forbidden.addSubnet('fe80::', 10, 'ipv6');
// What is translated by a prefix of the network's own (RFC 8215) may be any of the above.
forbidden.addSubnet('64:ff9b:1::', 48, 'ipv6');
// What Amazon, Oracle and Google have among private addresses; the first two have more than one there.
forbidden.addSubnet('fd00:ec2::', 32, 'ipv6');
forbidden.addSubnet('fd00:c1::', 32, 'ipv6');
forbidden.addAddress('fd20:ce::254', 'ipv6');

/** @param host an address, in brackets or not, or a name; a name is judged when it is looked up */
export function isForbidden(host: string): boolean {
  // Without the zone of a link-local address (RFC 4007, section 11), of which BlockList knows nothing.
  const address = host.replaceAll(/^\[|\]$|%.*$/g, '');
  const family = isIP(address);
  return family !== 0 && forbidden.check(address, family === 6 ? 'ipv6' : 'ipv4');
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
