/**
 * Interfaces of WASI 0.3 that Skerry's host gives to a component that exports `wasi:cli/run@0.3` or
 * `wasi:http/handler@0.3`, where the control plane accepts such components. Beside them it may import those of 0.2
 * (provided.ts): most toolchains bring both.
 *
 * Not among them: `wasi:http/client`, `wasi:filesystem` and `wasi:sockets` of 0.3.
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
  // Nothing but types.
  'wasi:cli/types',
  'wasi:clocks/monotonic-clock',
  'wasi:clocks/system-clock',
  'wasi:clocks/types',
  'wasi:http/types',
  'wasi:random/insecure',
  'wasi:random/insecure-seed',
  'wasi:random/random',
]);

/** Released versions: drafts (`0.3.0-rc-...`) differ from them and from one another. */
const released = /^(wasi:[a-z-]+\/[a-z-]+)@0\.3\.\d+$/;

/** True for anything of WASI 0.3, drafts included, given with its version as WIT prints it. */
export function isWasi03(versioned: string): boolean {
  return /^wasi:[a-z-]+\/[a-z-]+@0\.3\./.test(versioned);
}

/** True when the host provides this interface of 0.3. */
export function isProvided03(versioned: string): boolean {
  return interfaces.has(released.exec(versioned)?.[1] ?? '');
}

/** The name under which the host gives an interface of 0.3, so that it can be told from the same one of 0.2. */
export function hostName03(versioned: string): string {
  return `${versioned.slice(0, versioned.indexOf('@'))}@0.3`;
}
