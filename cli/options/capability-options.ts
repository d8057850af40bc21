/** Options of `skerry fn deploy` for the capabilities of a function (shared/function/manifest.ts). */
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
  /** False: starts without the current grants. */
  capabilities?: boolean;
};

export function withCapabilityOptions(command: Command): Command {
  const several = 'may be given several times';
  return command
    .option('--allow-http <host[:port]>', `host that it may send HTTP requests to; ${several}`, collectValue)
    .option(
      '--allow-network <name>',
      `network that it may reach: loopback, link-local, metadata or lan; ${several}`,
      collectValue,
    )
    .option(
      '--dir <host:guest[:rw]>',
      `directory of the device that it can use, read-only without :rw; ${several}`,
      collectDirectory,
    )
    .option('--config <key=value>', `value that it reads through wasi:config; ${several}`, collectPair)
    .option('--no-capabilities', 'revoke all directories and hosts that are not given here');
}

/** The changes that the options make to a manifest. An option replaces a whole list. */
export function capabilityChanges(
  { allowHttp, allowNetwork, dir, config, capabilities: keepsBase = true }: CapabilityOptions,
  base: Capabilities | undefined,
): Pick<NonNullable<ManifestInput>, 'capabilities' | 'config'> {
  const grants: Capabilities = {
    ...(allowHttp && { http: [...allowHttp] }),
    // The schema checks whether each is the name of a network.
    ...(allowNetwork && { networks: [...allowNetwork] as Capabilities['networks'] }),
    ...(dir && { directories: [...dir] }),
  };
  return {
    ...((!keepsBase || Object.keys(grants).length > 0) && { capabilities: { ...(keepsBase && base), ...grants } }),
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
