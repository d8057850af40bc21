/**
 * Addresses to which the control plane never connects for a trigger, a sink or a callback: link-local networks, where
 * clouds give any process the machine's own credentials, and other metadata addresses of clouds. Private networks are
 * allowed, since a CouchDB or a broker beside the control plane is usual.
 *
 * The check applies to the address that is connected to, so that a name server cannot give two different answers.
 */
import { lookup as systemLookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

const forbidden = new BlockList();
// RFC 3927 and RFC 4291, section 2.5.6; then the metadata addresses of Alibaba, Azure and Amazon outside of these.
const ipv4 = [['169.254.0.0', 16] as const, ['100.100.100.200', 32] as const, ['168.63.129.16', 32] as const];
for (const [address, prefix] of ipv4) {
  // BlockList treats an IPv4-mapped address as its IPv4 address; NAT64 is RFC 6052, section 2.1.
  forbidden.addSubnet(address, prefix, 'ipv4');
  forbidden.addSubnet(`64:ff9b::${address}`, 96 + prefix, 'ipv6');
}
forbidden.addSubnet('fe80::', 10, 'ipv6');
// A prefix of the network's own (RFC 8215) may translate to any of the above.
forbidden.addSubnet('64:ff9b:1::', 48, 'ipv6');
// Metadata addresses of Amazon, Oracle and Google among private ones; the first two have several.
forbidden.addSubnet('fd00:ec2::', 32, 'ipv6');
forbidden.addSubnet('fd00:c1::', 32, 'ipv6');
forbidden.addAddress('fd20:ce::254', 'ipv6');

/** @param host an address, in brackets or not, or a name; a name is judged when it is looked up */
export function isForbidden(host: string): boolean {
  // Without the zone of a link-local address (RFC 4007, section 11), which BlockList does not know.
  const address = host.replaceAll(/^\[|\]$|%.*$/g, '');
  const family = isIP(address);
  return family !== 0 && forbidden.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

/** The system's lookup, without forbidden addresses; fails with `EACCES` when no other is left. */
export const guardedLookup: LookupFunction = (hostname, options, callback) => {
  systemLookup(hostname, { ...options, all: true }, (error, found) => {
    if (error) return callback(error, '', 4);
    const allowed = found.filter(({ address }) => !isForbidden(address));
    const [first] = allowed;
    if (!first) return callback(forbiddenError(hostname), '', 4);
    return options.all ? callback(null, allowed) : callback(null, first.address, first.family);
  });
};

/** In the form of the system's errors, so that it is reported like them. */
export function forbiddenError(host: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${host} is a forbidden address`), { code: 'EACCES' });
}
