/** The environment of a function in the runner, as the text that travels with each of its calls. */
import type { DesiredFunction } from '@skerry/shared/tunnel/protocol.ts';
import type { GuestEnvironment } from '../runner/protocol/wire.ts';

/** JSON of `GuestEnvironment`. The same function has the same text, another function has another. */
export function encodeEnvironment({ id, env, args, grants }: DesiredFunction): string {
  const environment: GuestEnvironment = {
    function: id,
    env,
    args,
    config: grants.config,
    directories: grants.directories.map(({ guest, mode }) => ({ guest, mode })),
    logBytesPerSecond: grants.log_bytes_per_second,
    bodyBytes: grants.body_bytes,
  };
  return JSON.stringify(environment);
}
