/**
 * Interfaces that Skerry's host provides to a component, by WIT name without version, and the functions of them that
 * may wait. The control plane refuses a component that imports anything else. The agent's runner implements all of
 * them.
 *
 * A provided interface is not a granted capability: without a declaration in the manifest there are no directories, no
 * sockets and no outgoing HTTP. A component that uses them then gets an error value.
 */

/** The host treats all versions `0.2.x` of these interfaces alike: WASI adds functions there but changes none. */
const stableInterfaces: readonly string[] = [
  'wasi:cli/environment',
  'wasi:cli/exit',
  'wasi:cli/stderr',
  'wasi:cli/stdin',
  'wasi:cli/stdout',
  'wasi:cli/terminal-input',
  'wasi:cli/terminal-output',
  'wasi:cli/terminal-stderr',
  'wasi:cli/terminal-stdin',
  'wasi:cli/terminal-stdout',
  'wasi:clocks/monotonic-clock',
  'wasi:clocks/wall-clock',
  'wasi:filesystem/preopens',
  'wasi:filesystem/types',
  'wasi:http/outgoing-handler',
  'wasi:http/types',
  'wasi:io/error',
  'wasi:io/poll',
  'wasi:io/streams',
  'wasi:random/insecure',
  'wasi:random/insecure-seed',
  'wasi:random/random',
  'wasi:sockets/instance-network',
  'wasi:sockets/ip-name-lookup',
  'wasi:sockets/network',
  'wasi:sockets/tcp',
  'wasi:sockets/tcp-create-socket',
  'wasi:sockets/udp',
  'wasi:sockets/udp-create-socket',
];

/** Not part of WASI 0.2. The drafts differ only in their names, so any version, or none, is accepted. */
const draftInterfaces: readonly string[] = [
  'wasi:config/runtime',
  'wasi:config/store',
  'wasi:keyvalue/atomics',
  'wasi:keyvalue/batch',
  'wasi:keyvalue/store',
  'wasi:logging/logging',
];

export const providedInterfaces: readonly string[] = [...stableInterfaces, ...draftInterfaces];

/** True when the WIT name, with or without a version, names this interface. */
const isInterface = (versioned: string, name: string): boolean =>
  versioned === name || versioned.startsWith(`${name}@`);

const stableVersion = /^@0\.2\.\d+$/;

/**
 * True when the host provides this interface. The name contains the version, as WIT prints it (`wasi:io/poll@0.2.3`).
 */
export function isProvided(versioned: string): boolean {
  return (
    draftInterfaces.some((name) => isInterface(versioned, name)) ||
    stableInterfaces.some((name) => isInterface(versioned, name) && stableVersion.test(versioned.slice(name.length)))
  );
}

const waitingPolls = ['wasi:io/poll#poll', 'wasi:io/poll#[method]pollable.block'];

const waitingStreams = [
  'wasi:io/streams#[method]input-stream.blocking-read',
  'wasi:io/streams#[method]input-stream.blocking-skip',
  'wasi:io/streams#[method]output-stream.blocking-flush',
  'wasi:io/streams#[method]output-stream.blocking-splice',
  'wasi:io/streams#[method]output-stream.blocking-write-and-flush',
  'wasi:io/streams#[method]output-stream.blocking-write-zeroes-and-flush',
];

/**
 * Lists the functions that may wait in a component with these imports, by jco's names. A component without such
 * functions runs in `plain` mode (see function/bundle.ts). Streams wait only for bodies of wasi:http: standard input
 * and output are passed as a whole, and file access blocks the thread.
 */
export function suspendingImports(imports: readonly string[]): readonly string[] {
  const has = (name: string) => imports.some((versioned) => isInterface(versioned, name));
  return [...(has('wasi:io/poll') ? waitingPolls : []), ...(has('wasi:http/types') ? waitingStreams : [])];
}
