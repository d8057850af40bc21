/** Free TCP ports of 127.0.0.1. */
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Below the range from which the system gives ports to clients (ip(7), ip_local_port_range). A client that keeps dialing
 * a port of that range without a listener can get that very port, and connect to itself.
 */
const lowest = 20_000;
const highest = 32_000;
const attempts = 100;

/** @param random 0 to 1 @throws Error when many attempts find no free port */
export async function freePort(random: () => number): Promise<number> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const port = lowest + Math.floor(random() * (highest - lowest));
    if (await isFree(port)) return port;
  }
  throw new Error(`found no free port from ${lowest} to ${highest}`);
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer().listen({ port, host: '127.0.0.1', exclusive: true });
  try {
    await once(probe, 'listening');
  } catch {
    return false;
  }
  probe.close();
  await once(probe, 'close');
  return true;
}
