/**
 * Interfaces of WASI 0.3 that Skerry's host provides to a component that exports `wasi:cli/run@0.3` or
 * `wasi:http/handler@0.3`, if the control plane accepts such components. The component may also import the interfaces
 * of 0.2 (provided.ts): most toolchains use both.
 *
 * The host does not provide `wasi:http/client`, `wasi:filesystem` and `wasi:sockets` of 0.3.
 */

const interfaces: ReadonlySet<string> = new Set([
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
  // Contains types only.
  'wasi:cli/types',
  'wasi:clocks/monotonic-clock',
  'wasi:clocks/system-clock',
  'wasi:clocks/types',
  'wasi:http/types',
  'wasi:random/insecure',
  'wasi:random/insecure-seed',
  'wasi:random/random',
]);

/** Released versions only: drafts (`0.3.0-rc-...`) differ from them and from one another. */
const released = /^(wasi:[a-z-]+\/[a-z-]+)@0\.3\.\d+$/;

/** True for an interface of WASI 0.3, including drafts. The name contains the version, as WIT prints it. */
export function isWasi03(versioned: string): boolean {
  return /^wasi:[a-z-]+\/[a-z-]+@0\.3\./.test(versioned);
}

/** True when the host provides this interface of 0.3. */
export function isProvided03(versioned: string): boolean {
  return interfaces.has(released.exec(versioned)?.[1] ?? '');
}

/** @returns the host's name for an interface of 0.3. It differs from the host's name for the same interface of 0.2 */
export function hostName03(versioned: string): string {
  return `${versioned.slice(0, versioned.indexOf('@'))}@0.3`;
}
