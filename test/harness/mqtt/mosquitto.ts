/**
 * A real MQTT broker (Debian's mosquitto) on a free port of 127.0.0.1, that a test can stop, kill and start again with
 * its data.
 *
 * Some defaults are changed because they lose messages or time: queues have no bound, TCP does not wait to fill a
 * packet, and the queue of a persistent session is written down at each change.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as rest } from 'node:timers/promises';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { freePort } from '../free-port.ts';
import { startCommand, type Watched } from '../process.ts';
import { type Certificates, makeCertificates } from './certificates.ts';

export type MosquittoOptions = {
  /** The only credentials that are accepted. Absent: any client may connect. */
  readonly user?: { readonly name: string; readonly password: string };
  /** A second listener with TLS. `client`: it requires a client certificate. */
  readonly tls?: 'server' | 'client';
  /** Keeps sessions, their queues and retained messages over a restart. Default: true. */
  readonly persistence?: boolean;
  /** Lines of an access control file (mosquitto.conf(5), acl_file). */
  readonly acl?: readonly string[];
  /** More lines of mosquitto.conf. */
  readonly config?: readonly string[];
};

export type Mosquitto = {
  readonly port: number;
  /** `mqtt://127.0.0.1:port` */
  readonly url: URL;
  /** Set with `tls`. */
  readonly tlsPort: number | undefined;
  readonly certificates: Certificates | undefined;
  /** The process that runs now, or the last one. */
  readonly process: Watched;
  /** A client of the test's own, connected; closed by `close`. */
  client(options?: IClientOptions): Promise<MqttClient>;
  /** Ends it with SIGTERM: it writes its data down. */
  stop(): Promise<void>;
  /** Ends it with SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again, on the same port and with its data. Ends it first when it runs. */
  restart(): Promise<void>;
  /** Ends it and removes its folder. */
  close(): Promise<void>;
};

const program = '/usr/sbin/mosquitto';
/** Milliseconds that its start may take. */
const startMs = 10_000;

export async function startMosquitto(options: MosquittoOptions = {}): Promise<Mosquitto> {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-mosquitto-'));
  const file = (name: string) => join(folder, name);
  const port = await freePort();
  const tlsPort = options.tls ? await freePort() : undefined;
  const certificates = options.tls ? makeCertificates(file('tls')) : undefined;

  if (options.user) {
    execFileSync('mosquitto_passwd', ['-b', '-c', file('passwords'), options.user.name, options.user.password]);
  }
  if (options.acl) writeFileSync(file('acl'), `${options.acl.join('\n')}\n`);
  writeFileSync(file('mosquitto.conf'), configOf(options, { folder, port, tlsPort, certificates }).join('\n'));

  const clients = new Set<MqttClient>();
  const start = async (): Promise<Watched> => {
    const child = startCommand(program, ['-c', file('mosquitto.conf')]);
    await answers(port, child);
    return child;
  };
  let child = await start();
  const stop = async (signal?: NodeJS.Signals) => void (await child.stop(signal));

  return {
    port,
    url: new URL(`mqtt://127.0.0.1:${port}`),
    tlsPort,
    certificates,
    get process() {
      return child;
    },
    async client(clientOptions = {}) {
      const credentials = options.user && { username: options.user.name, password: options.user.password };
      const client = await connectAsync({
        host: '127.0.0.1',
        port,
        protocol: 'mqtt',
        ...credentials,
        ...clientOptions,
      });
      const noDelay = () => (client.stream as unknown as Socket).setNoDelay(true);
      noDelay();
      client.on('connect', noDelay);
      clients.add(client);
      return client;
    },
    stop: () => stop(),
    kill: () => stop('SIGKILL'),
    async restart() {
      await stop();
      child = await start();
    },
    async close() {
      for (const client of clients) await client.endAsync(true);
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

type Places = {
  readonly folder: string;
  readonly port: number;
  readonly tlsPort: number | undefined;
  readonly certificates: Certificates | undefined;
};

function configOf(
  { user, tls, persistence = true, acl, config = [] }: MosquittoOptions,
  { folder, port, tlsPort, certificates }: Places,
): string[] {
  return [
    `listener ${port} 127.0.0.1`,
    ...(tlsPort && certificates
      ? [
          `listener ${tlsPort} 127.0.0.1`,
          `cafile ${certificates.caFile}`,
          `certfile ${certificates.serverCertFile}`,
          `keyfile ${certificates.serverKeyFile}`,
          `require_certificate ${tls === 'client'}`,
        ]
      : []),
    ...(user ? [`password_file ${join(folder, 'passwords')}`, 'allow_anonymous false'] : ['allow_anonymous true']),
    ...(acl ? [`acl_file ${join(folder, 'acl')}`] : []),
    ...(persistence
      ? ['persistence true', `persistence_location ${folder}/`, 'autosave_interval 1', 'autosave_on_changes true']
      : ['persistence false']),
    ...(userInfo().uid === 0 ? ['user root'] : []),
    'max_queued_messages 0',
    'max_queued_bytes 0',
    'set_tcp_nodelay true',
    'sys_interval 1',
    'log_dest stderr',
    ...config,
    '',
  ];
}

/** Resolves when a process listens on the port; rejects when the broker ends before, or takes too long. */
async function answers(port: number, child: Watched): Promise<void> {
  const deadline = performance.now() + startMs;
  while (performance.now() < deadline && child.child.exitCode === null && child.child.signalCode === null) {
    const there = await new Promise<boolean>((resolve) => {
      const socket = connectTcp(port, '127.0.0.1', () => resolve(true));
      socket.on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (there) return;
    await rest(10);
  }
  const last = child.lines.slice(-5).map(({ msg }) => msg);
  await child.stop('SIGKILL');
  throw new Error(`mosquitto did not come up: ${last.join(' | ')}`);
}
