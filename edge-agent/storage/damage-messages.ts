/** Messages for the operator when the agent's file or its key was damaged, with the steps to take. */
import type { Logger } from 'pino';
import type { IdentityFault } from './identity.ts';
import type { StoreDamage } from './store-file.ts';

/** The messages name each key by its file. */
export const keyFaults: Readonly<Record<IdentityFault, string>> = {
  lost: "this device's key is lost, and it has made another one: revoke the agent on the control plane (skerry agent revoke NAME), make a join token (skerry agent token), set SKERRY_JOIN_TOKEN to it and start the agent again; until then it serves its functions without the control plane",
  mended: "one of the two copies of this device's key was damaged, and has been replaced by the other",
  differ:
    'the key in agent.db and the one in the file identity beside it are both whole, and differ; the agent uses the one in agent.db: if the control plane knows this one, stop the agent and remove the file identity; if it knows the other one, stop the agent and remove agent.db (functions and their code are sent again, the values that functions stored are lost)',
  unkept:
    "the file identity, the second copy of this device's key, cannot be written: when agent.db is damaged as well, the key may be lost",
};

export function tellDamage(damage: StoreDamage, log: Pick<Logger, 'error'>): void {
  if ('saved' in damage) {
    log.error({ ...damage }, "the agent's file was damaged; its readable rows are in a new file");
  } else {
    log.error({ ...damage }, "the last writes to the agent's file are missing; it goes on without them");
  }
}
