/** A TCP proxy between an agent and its control plane, whose wire a test can cut, silence and count. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export type FaultyWire = {
  /** Address that the agent must dial. */
  readonly url: URL;
  /** Bytes that went to the agent since the start. */
  readonly bytesDown: number;
  /** Connections made since the start. */
  readonly connections: number;
  /** Resets every connection; new ones work. */
  cut(): void;
  /** Cuts as soon as this number of further bytes has gone to the agent. */
  cutAfter(bytes: number): void;
  /** From now on nothing passes, on old and new connections, and neither end gets an error: a half-open wire. */
  silence(): void;
  /** From now on everything is delayed by this number of milliseconds. */
  slowDown(ms: number): void;
  /** Ends the silence; connections from that time are cut. */
  restore(): void;
  close(): Promise<void>;
};

export async function startFaultyWire(target: URL): Promise<FaultyWire> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let silent = false;
  let bytesDown = 0;
  let connections = 0;
  let slowMs = 0;
  let cutAt = Number.POSITIVE_INFINITY;

  const cut = () => {
    for (const pair of pairs) for (const socket of pair) socket.resetAndDestroy();
    pairs.clear();
  };
  const later = (pass: () => void) => void (slowMs === 0 ? pass() : setTimeout(pass, slowMs));
  const server = createServer((agentSide) => {
    connections += 1;
    const controlSide = connect(Number(target.port), target.hostname);
    const pair = [agentSide, controlSide] as const;
    pairs.add(pair);
    agentSide.on('data', (bytes) => {
      if (!silent) later(() => controlSide.write(bytes));
    });
    controlSide.on('data', (bytes: Buffer) => {
      if (silent) return;
      bytesDown += bytes.byteLength;
      later(() => agentSide.write(bytes));
      if (bytesDown >= cutAt) {
        cutAt = Number.POSITIVE_INFINITY;
        cut();
      }
    });
    for (const [side, other] of [pair, [controlSide, agentSide] as const]) {
      side.on('error', () => undefined);
      side.on('close', () => {
        pairs.delete(pair);
        if (!silent) other.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  return {
    url: new URL(`http://127.0.0.1:${port}`),
    get bytesDown() {
      return bytesDown;
    },
    get connections() {
      return connections;
    },
    cut,
    cutAfter(bytes) {
      cutAt = bytesDown + bytes;
    },
    silence() {
      silent = true;
    },
    slowDown(ms) {
      slowMs = ms;
    },
    restore() {
      cut();
      silent = false;
    },
    async close() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
