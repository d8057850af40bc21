/** Checks that a port is free before anything is started, so that a taken port costs no time. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { CliFailure } from '../terminal/failure.ts';

/** @throws CliFailure with the port when another program listens on it */
export async function requireFreePort(port: number, host: string): Promise<void> {
  const probe = createServer();
  probe.listen({ port, host, exclusive: true });
  try {
    await once(probe, 'listening');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const reason = code === 'EADDRINUSE' ? 'is taken by another program' : `cannot be used (${message})`;
    throw new CliFailure('failed', `port ${port} ${reason}; choose another one, such as PORT=${port + 1}`, { cause });
  }
  probe.close();
  await once(probe, 'close');
}
