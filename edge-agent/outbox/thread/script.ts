/** The path of the thread's script: beside the agent's in a release, and among the sources otherwise. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export function outboxScript(): URL {
  const besideRelease = new URL('./outbox.mjs', import.meta.url);
  return existsSync(fileURLToPath(besideRelease)) ? besideRelease : new URL('./thread.ts', import.meta.url);
}
