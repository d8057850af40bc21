/**
 * Decides where a function may send HTTP requests. Pure: compares the manifest's patterns with a host and port, and
 * classifies addresses. Names are matched first, and then every address of a name is judged, so that a name alone never
 * opens the device's own networks.
 */
import { BlockList, isIP } from 'node:net';
import type { Grants, Network } from '@skerry/shared/function/manifest.ts';

/** `never`: no grant opens it (multicast, broadcast, unspecified, reserved, unknown forms). */
export type AddressClass = 'public' | Network | 'never';

export type EgressTarget = {
  /** Lower-case, as in a URL; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
};

const defaultPorts = [80, 443];

/** True when a pattern of the manifest allows the host and port. The host's address is judged elsewhere. */
export function isNamed(patterns: Grants['http'], target: EgressTarget): boolean {
  return patterns.some((pattern) => matches(pattern, target));
}

/** @param address the target's host, or an address that it resolves to */
export function isAllowed(
  { http, networks }: Pick<Grants, 'http' | 'networks'>,
  target: EgressTarget,
  address: string,
): boolean {
  const place = classify(address);
  if (place === 'public') return true;
  if (place === 'never') return false;
  // An address that the manifest contains in full is granted by that.
  const spelledOut = address === target.host && http.some((pattern) => isLiteral(pattern) && matches(pattern, target));
  return spelledOut || networks.includes(place);
}

function matches(pattern: string, { host, port }: EgressTarget): boolean {
  const { name, ports } = splitPattern(pattern);
  if (ports !== '*' && !ports.includes(port)) return false;
  if (name === '*') return true;
  if (!name.startsWith('*.')) return canonical(name) === host;
  const below = canonical(name.slice(2));
  return isIP(host) === 0 && below !== undefined && host.endsWith(`.${below}`) && host.length > below.length + 1;
}

function splitPattern(pattern: string): { name: string; ports: readonly number[] | '*' } {
  const at = pattern.lastIndexOf(':');
  if (at === -1 || pattern.endsWith(']')) return { name: pattern, ports: defaultPorts };
  const port = pattern.slice(at + 1);
  return { name: pattern.slice(0, at), ports: port === '*' ? '*' : [Number(port)] };
}

const isLiteral = (pattern: string): boolean => isIP(canonical(splitPattern(pattern).name) ?? '') !== 0;

/** The canonical form of a host, as in URLs: one for each name and address. Undefined for an invalid host. */
export function canonical(host: string): string | undefined {
  // Characters that URL would skip (line ends, tabs), or that do not belong to a host, are refused before.
  if (!/^(?:\[[0-9A-Fa-f:.]*\]|[^:@/?#[\]\\\s\p{Cc}]+)$/u.test(host)) return undefined;
  const url = URL.parse(`http://${host}/`);
  return url?.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '') || undefined;
}

type Range = readonly [network: string, prefix: number];

/** The first list that contains the address decides. Ranges: IANA's special-purpose registries. */
const classes: readonly (readonly [AddressClass, readonly Range[]])[] = [
  [
    'metadata',
    [
      ['169.254.169.254', 32], // most clouds
      ['169.254.170.0', 24], // credentials of containers and pods on AWS
      ['100.100.100.200', 32], // Alibaba
      ['168.63.129.16', 32], // Azure
      ['192.0.0.192', 32], // Oracle
      ['fd00:ec2::', 32], // AWS
      ['fd20:ce::254', 128], // Google
    ],
  ],
  [
    'never',
    [
      ['0.0.0.0', 8],
      ['192.0.0.0', 24],
      ['192.0.2.0', 24],
      ['192.88.99.0', 24],
      ['198.51.100.0', 24],
      ['203.0.113.0', 24],
      ['224.0.0.0', 4],
      ['240.0.0.0', 4],
      ['::', 128],
      ['100::', 64],
      ['2001::', 23], // Teredo and other protocol assignments
      ['2001:db8::', 32],
      ['3fff::', 20],
      ['5f00::', 16],
      ['ff00::', 8],
    ],
  ],
  [
    'loopback',
    [
      ['127.0.0.0', 8],
      ['::1', 128],
    ],
  ],
  [
    'link-local',
    [
      ['169.254.0.0', 16],
      ['fe80::', 10],
    ],
  ],
  [
    'lan',
    [
      ['10.0.0.0', 8],
      ['100.64.0.0', 10],
      ['172.16.0.0', 12],
      ['192.168.0.0', 16],
      ['198.18.0.0', 15],
      ['fc00::', 7],
      ['fec0::', 10],
    ],
  ],
];

const lists = classes.map(([place, ranges]) => {
  const list = new BlockList();
  for (const [network, prefix] of ranges) list.addSubnet(network, prefix, isIP(network) === 4 ? 'ipv4' : 'ipv6');
  return { place, list };
});

/** Classifies an IPv4 or IPv6 address; anything else is `never`. */
export function classify(address: string): AddressClass {
  const family = isIP(address);
  if (family === 0 || address.includes('%')) return 'never';
  const bytes = family === 6 ? bytesOf(address) : undefined;
  const inner = bytes && embedded(bytes);
  if (inner !== undefined) return inner === 'unclear' ? 'never' : classify(inner);
  // Addresses outside of global unicast, and not in a list, are unassigned (RFC 4291, section 2.4).
  const found = lists.find(({ list }) => list.check(address, family === 4 ? 'ipv4' : 'ipv6'));
  if (found) return found.place;
  return bytes && (bytes[0] ?? 0) >> 5 !== 1 ? 'never' : 'public';
}

/** The IPv4 address that packets for this IPv6 address reach in the end. */
function embedded(bytes: readonly number[]): string | 'unclear' | undefined {
  const at = (start: number) => bytes.slice(start, start + 4).join('.');
  const begins = (...prefix: number[]) => prefix.every((byte, index) => bytes[index] === byte);
  const zeroes = (from: number, to: number) => bytes.slice(from, to).every((byte) => byte === 0);
  if (zeroes(0, 10) && bytes[10] === 0xff && bytes[11] === 0xff) return at(12); // mapped (RFC 4291)
  if (zeroes(0, 8) && bytes[8] === 0xff && bytes[9] === 0xff && zeroes(10, 12)) return at(12); // translated (RFC 2765)
  if (zeroes(0, 12) && !zeroes(12, 15)) return at(12); // compatible, deprecated (RFC 4291)
  if (begins(0, 0x64, 0xff, 0x9b) && zeroes(4, 12)) return at(12); // NAT64 (RFC 6052)
  if (begins(0, 0x64, 0xff, 0x9b)) return 'unclear'; // NAT64 of a network's own (RFC 8215)
  if (begins(0x20, 0x02)) return at(2); // 6to4 (RFC 3056)
  return undefined;
}

/** The 16 bytes of an IPv6 address. URL writes it without embedded dots, as groups of hexadecimal digits. */
function bytesOf(address: string): number[] {
  const [head = '', tail] = (canonical(`[${address}]`) ?? '').split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)));
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const gap = Array.from({ length: 8 - before.length - after.length }, () => 0);
  return [...before, ...gap, ...after].flatMap((group) => [group >> 8, group & 0xff]);
}
