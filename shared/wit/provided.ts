/**
 * Interfaces that Skerry's host gives to a component, by WIT name without version, and which of their functions may
 * wait. The control plane refuses a component that imports anything else; the agent's runner implements all of them.
 *
 * Provided does not mean granted: without a declaration in the manifest there are no directories, no sockets and no
 * outgoing HTTP, and a component that tries gets an error value.
 */

/** Every version `0.2.x` of these is the same to the host: WASI adds functions there but changes none. */
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

/** Not part of WASI 0.2, and changing only in name from draft to draft: any version of these is taken, or none. */
const draftInterfaces: readonly string[] = [
  'wasi:config/runtime',
  'wasi:config/store',
  'wasi:keyvalue/atomics',
  'wasi:keyvalue/batch',
  'wasi:keyvalue/store',
  'wasi:logging/logging',
];

/** All of them. */
export const providedInterfaces: readonly string[] = [...stableInterfaces, ...draftInterfaces];

/** Whether a WIT name is that of this interface, in whatever version. */
const isOf = (versioned: string, name: string): boolean => versioned === name || versioned.startsWith(`${name}@`);

const stableVersion = /^@0\.2\.\d+$/;

/** True when the host provides this interface, given with its version as WIT prints it (`wasi:io/poll@0.2.3`). */
export function isProvided(versioned: string): boolean {
  return (
    draftInterfaces.some((name) => isOf(versioned, name)) ||
    stableInterfaces.some((name) => isOf(versioned, name) && stableVersion.test(versioned.slice(name.length)))
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
 * Functions that may wait in a component with these imports, as jco names them. None: it runs in `plain` mode (see
 * function/bundle.ts). Streams wait only where bodies of wasi:http flow: standard input is given whole, standard output is
 * taken whole, and files are read and written while the thread waits.
 */
export function suspendingImports(imports: readonly string[]): readonly string[] {
  const has = (name: string) => imports.some((versioned) => isOf(versioned, name));
  return [...(has('wasi:io/poll') ? waitingPolls : []), ...(has('wasi:http/types') ? waitingStreams : [])];
}
