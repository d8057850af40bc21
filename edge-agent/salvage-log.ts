/** What a human is told when the agent's file was damaged, and what there is to do. */
import type { Logger } from 'pino';
import type { StoreSalvage } from './store-file.ts';

export const keyIsLost =
  "this device's key is lost, and it has made another one: revoke the agent on the control plane (skerry agent revoke NAME), make a join token (skerry agent token), set SKERRY_JOIN_TOKEN to it and start the agent again; until then it serves what it has, without the control plane";

export function tellSalvage({ damage, aside, saved }: StoreSalvage, log: Pick<Logger, 'error'>): void {
  log.error({ damage, aside, saved }, "the agent's file was damaged; what could be read of it is in a new one");
  if (saved.key !== true) log.error({ aside }, keyIsLost);
}
