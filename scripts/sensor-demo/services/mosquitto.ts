/** Mosquitto, the MQTT broker, on a port of 127.0.0.1. Its messages are only in memory. */
import { once } from 'node:events';
import { accessSync, constants, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import type { Children } from './children.ts';
import { freePort } from './port.ts';
import { until } from './until.ts';

const startTimeoutMs = 15_000;

/** Debian installs it in a folder that is not on the PATH of ordinary users. */
export function listMosquittoFolders(path: string): string[] {
  return [...path.split(delimiter), '/usr/sbin', '/usr/local/sbin'];
}

/** @throws Error with the name of the package when no folder has it */
export function findMosquitto(folders: readonly string[]): string {
  for (const folder of folders) {
    const file = join(folder, 'mosquitto');
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // not here
    }
  }
  throw new Error(
    'mosquitto is missing: install the package of that name (Debian, Ubuntu, Raspberry Pi OS: sudo apt install mosquitto)',
  );
}

export type CapabilityHostOptions = {
  readonly program: string;
  readonly data: string;
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
};

/** @returns its port */
export async function startBroker(
  children: Children,
  { program, data, env, signal }: CapabilityHostOptions,
): Promise<number> {
  const port = await freePort(Math.random);
  const config = join(data, 'mosquitto.conf');
  const lines = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    // Messages for a device that is away: by default, it keeps 1,000 and drops the rest.
    'max_queued_messages 0',
    'set_tcp_nodelay true',
    'log_dest stderr',
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  await children.start({ name: 'broker', command: program, args: ['-c', config], env });
  const answers = async () => {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect').finally(() => socket.destroy());
    return true;
  };
  await until(answers, { what: 'mosquitto to listen', timeoutMs: startTimeoutMs, signal });
  return port;
}
