/**
 * Faults of the platform. A kill is SIGKILL at a random moment. The process is started again, and the next fault may
 * come before it is up. In between, wires and CouchDB fail.
 */
import { setTimeout as rest } from 'node:timers/promises';
import type { Site } from './platform-under-attack.ts';

export type Fault = {
  readonly name: string;
  /** Whether it kills a process: only these count as kills. */
  readonly kills: boolean;
  /** Its weight against other faults of its kind; a whole number. */
  readonly weight: number;
  /** Resolves when the fault has passed, which may be before everything has recovered from it. */
  inflict(site: Site, random: () => number): Promise<void>;
};

/** Milliseconds for which something stays silent or away. */
const spell = (random: () => number) => 100 + random() * 1_500;

export const faults: readonly Fault[] = [
  {
    name: 'agent killed',
    kills: true,
    weight: 4,
    async inflict(site) {
      await site.agent.stop('SIGKILL');
      site.startAgent();
    },
  },
  {
    name: 'runner killed',
    kills: true,
    weight: 1,
    async inflict(site) {
      for (const pid of site.runners()) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
        }
      }
    },
  },
  {
    name: 'control plane killed',
    kills: true,
    weight: 3,
    inflict: (site) => site.platform.restartControlPlane('SIGKILL'),
  },
  {
    name: 'broker killed',
    kills: true,
    weight: 2,
    async inflict(site) {
      await site.broker.kill();
      await site.broker.restart();
    },
  },
  {
    name: 'wire cut',
    kills: false,
    weight: 2,
    async inflict(site) {
      site.wire.cut();
    },
  },
  {
    name: 'wire silent',
    kills: false,
    weight: 2,
    async inflict(site, random) {
      site.wire.silence();
      await rest(spell(random));
      site.wire.restore();
    },
  },
  {
    name: 'wire cut in the middle of a frame',
    kills: false,
    weight: 1,
    async inflict(site, random) {
      site.wire.cutAfter(1 + Math.floor(random() * 500));
    },
  },
  {
    name: 'CouchDB away',
    kills: false,
    weight: 1,
    async inflict(site, random) {
      await site.couch.stop();
      await rest(spell(random));
      await site.couch.start();
    },
  },
  {
    name: 'CouchDB answers 503, or not to the end',
    kills: false,
    weight: 1,
    async inflict(site, random) {
      site.couch.fault(
        random() < 0.5 ? { kind: 'status', status: 503 } : { kind: 'cut' },
        1 + Math.floor(random() * 5),
      );
    },
  },
];

/** One of them, by weight. */
export function choose(among: readonly Fault[], random: () => number): Fault {
  const tickets = among.flatMap((fault) => Array<Fault>(fault.weight).fill(fault));
  return tickets[Math.floor(random() * tickets.length)] as Fault;
}
