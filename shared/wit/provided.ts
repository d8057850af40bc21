/**
 * Interfaces that Skerry's host gives to a component, by WIT name without version, and which of their functions may
 * wait. The control plane refuses a component that imports anything else; the agent's runner implements all of them.
 *
 * Provided does not mean granted: without a declaration in the manifest there are no directories, no sockets and no
 * outgoing HTTP, and a component that tries gets an error value.
 */

/** Every version `0.2.x` of these is the same to the host: WASI adds functions there but changes none. */
export const providedInterfaces: readonly string[] = [
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

/**
 * The only imports that wait: stdin is given whole and stdout is taken whole, so that streams never do. A component
 * that imports none of them is run in `plain` mode (see bundle.ts).
 */
export const suspendingImports: readonly string[] = ['wasi:io/poll#poll', 'wasi:io/poll#[method]pollable.block'];

const versionedName = /^(.+)@0\.2\.\d+$/;

/** True when the host provides this interface, given with its version as WIT prints it (`wasi:io/poll@0.2.3`). */
export function isProvided(versioned: string): boolean {
  const name = versionedName.exec(versioned)?.[1];
  return name !== undefined && providedInterfaces.includes(name);
}
