/** What a human is told when the agent's file or its key was damaged, and what there is to do. */
import type { Logger } from 'pino';
import type { IdentityFault } from './identity.ts';
import type { StoreDamage } from './store-file.ts';

/** Which key is meant by which file: the words for a human. */
export const keyFaults: Readonly<Record<IdentityFault, string>> = {
  lost: "this device's key is lost, and it has made another one: revoke the agent on the control plane (skerry agent revoke NAME), make a join token (skerry agent token), set SKERRY_JOIN_TOKEN to it and start the agent again; until then it serves what it has, without the control plane",
  mended: "one of the two copies of this device's key was damaged, and has been replaced by the other",
  differ:
    'the key in agent.db and the one in the file identity beside it are both whole, and differ; the agent uses the one in agent.db: if the control plane knows this one, stop the agent and remove the file identity; if it knows the other one, stop the agent and remove agent.db (functions and their code come again, what functions have kept does not)',
  unkept:
    "the file identity, the second copy of this device's key, cannot be written: should agent.db be damaged, the key may be lost",
};

export function tellDamage(damage: StoreDamage, log: Pick<Logger, 'error'>): void {
  if ('saved' in damage) {
    log.error({ ...damage }, "the agent's file was damaged; what could be read of it is in a new one");
  } else {
    log.error({ ...damage }, "what was written last to the agent's file is missing; it goes on without");
  }
}
