/** Options of `skerry fn deploy` that say what a function may do besides computing (shared/function/manifest.ts). */
import type { ManifestInput } from '@skerry/shared/function/manifest.ts';
import { type Command, InvalidArgumentError } from 'commander';
import { collectPair, collectValue, type Pairs } from './pairs.ts';

type Capabilities = NonNullable<NonNullable<ManifestInput>['capabilities']>;
type Directory = NonNullable<Capabilities['directories']>[number];

export type CapabilityOptions = {
  allowHttp?: readonly string[];
  allowNetwork?: readonly string[];
  dir?: readonly Directory[];
  config?: Pairs;
  /** False: begins with nothing granted. */
  capabilities?: boolean;
};

export function withCapabilityOptions(command: Command): Command {
  const several = 'may be given several times';
  return command
    .option('--allow-http <host[:port]>', `where it may send HTTP requests; ${several}`, collectValue)
    .option(
      '--allow-network <name>',
      `loopback, link-local, metadata or lan, for those requests; ${several}`,
      collectValue,
    )
    .option(
      '--dir <host:guest[:rw]>',
      `directory of the device that it sees, read-only without :rw; ${several}`,
      collectDirectory,
    )
    .option('--config <key=value>', `value that it reads through wasi:config; ${several}`, collectPair)
    .option('--no-capabilities', 'take away every directory, and every right to send requests, not given here');
}

/** What the options change of a manifest; lists and values are taken as a whole. */
export function capabilityChanges(
  { allowHttp, allowNetwork, dir, config, capabilities: keep = true }: CapabilityOptions,
  base: Capabilities | undefined,
): Pick<NonNullable<ManifestInput>, 'capabilities' | 'config'> {
  const given: Capabilities = {
    ...(allowHttp && { http: [...allowHttp] }),
    // Whether each is the name of a network is the schema's to say.
    ...(allowNetwork && { networks: [...allowNetwork] as Capabilities['networks'] }),
    ...(dir && { directories: [...dir] }),
  };
  return {
    ...((!keep || Object.keys(given).length > 0) && { capabilities: { ...(keep && base), ...given } }),
    ...(config && { config }),
  };
}

function collectDirectory(text: string, collected: readonly Directory[] = []): readonly Directory[] {
  const [host = '', guest = '', mode = 'ro', ...rest] = text.split(':');
  if (host === '' || guest === '' || rest.length > 0 || (mode !== 'ro' && mode !== 'rw')) {
    throw new InvalidArgumentError('It must have the form /on/device:/in/function, or that with :rw.');
  }
  return [...collected, { host, guest, mode }];
}
