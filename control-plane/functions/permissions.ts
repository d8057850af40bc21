/**
 * Compares the permissions that a function's imports ask for with those that its manifest grants, in words for people.
 * Imports of every program are not listed: standard streams, environment, exit and the machinery of streams.
 */
import type { Manifest } from '@skerry/shared/function/manifest.ts';

/** Permissions of imports, by the beginning of their names. */
const asked: Readonly<Record<string, string>> = {
  'wasi:http/outgoing-handler': 'outgoing HTTP',
  'wasi:http/client': 'outgoing HTTP',
  'fl_imps.__http_request': 'outgoing HTTP',
  'fl_imps.__console_log': 'logging',
  'wasi:filesystem/': 'files',
  'wasi:sockets/': 'sockets',
  'wasi:clocks/': 'clocks',
  'wasi:random/': 'random numbers',
  'wasi:keyvalue/': 'key-value store',
  'wasi:config/': 'configuration',
  'wasi:logging/': 'logging',
  'wasi_snapshot_preview1.clock_': 'clocks',
  'wasi_snapshot_preview1.random_': 'random numbers',
};

export type Permissions = {
  /** Permissions that it asks for, in plain words, each once. */
  readonly asks: readonly string[];
  /** Permissions that the manifest grants, one line each. */
  readonly granted: readonly string[];
  /** Asked for, but not granted: such requests fail. */
  readonly ungranted: readonly string[];
  /** Granted, but not asked for: the manifest is wider than necessary. */
  readonly unused: readonly string[];
};

/** @param imports as preparing found them: WIT names with versions, or `module.function` of a core module */
export function listPermissions(imports: readonly string[], manifest: Manifest): Permissions {
  const asks = asksOf(imports);
  const { http, networks, directories } = manifest.capabilities;
  const config = Object.keys(manifest.config);
  const rights: readonly [word: string, granted: boolean][] = [
    ['outgoing HTTP', http.length > 0],
    ['files', directories.length > 0],
    ['configuration', config.length > 0],
    ['key-value store', manifest.limits.keyvalue_bytes > 0],
    // No manifest grants sockets.
    ['sockets', false],
  ];
  return {
    asks,
    granted: grantedBy(manifest),
    ungranted: rights.filter(([word, granted]) => asks.includes(word) && !granted).map(([word]) => word),
    unused: [
      ...(asks.includes('outgoing HTTP') ? [] : [...http.map(httpLine), ...networks.map(networkLine)]),
      ...(asks.includes('files') ? [] : directories.map(directoryLine)),
      ...(asks.includes('configuration') ? [] : config.map(configLine)),
    ],
  };
}

export type PermissionDiff = { readonly added: readonly string[]; readonly removed: readonly string[] };

/** The imports and grants of a revision; two of them make a diff. */
type PermissionFacts = { readonly imports: readonly string[]; readonly manifest: Manifest };

/** Permissions that a revision adds and removes against the previous one; `before` absent: all are added. */
export function permissionDiff(before: PermissionFacts | undefined, after: PermissionFacts): PermissionDiff {
  const old = new Set(before ? linesOf(before) : []);
  const now = new Set(linesOf(after));
  return { added: [...now].filter((line) => !old.has(line)), removed: [...old].filter((line) => !now.has(line)) };
}

/** Another version of the same interface is the same permission. */
function linesOf({ imports, manifest }: PermissionFacts): string[] {
  return [...imports.map((name) => `imports ${name.replace(/@.*$/, '')}`).sort(), ...grantedBy(manifest)];
}

function asksOf(imports: readonly string[]): string[] {
  const words = imports.flatMap((name) => {
    const start = Object.keys(asked).find((prefix) => name.startsWith(prefix));
    return start === undefined ? [] : [asked[start] as string];
  });
  return [...new Set(words)].sort();
}

function grantedBy({ capabilities, config }: Manifest): string[] {
  return [
    ...capabilities.http.map(httpLine),
    ...capabilities.networks.map(networkLine),
    ...capabilities.directories.map(directoryLine),
    ...Object.keys(config).map(configLine),
  ];
}

const httpLine = (to: string) => `HTTP to ${to}`;
const networkLine = (network: string) => `network ${network}`;
const directoryLine = ({ host, guest, mode }: Manifest['capabilities']['directories'][number]) =>
  `directory ${host} as ${guest} (${mode})`;
const configLine = (key: string) => `configuration ${key}`;
