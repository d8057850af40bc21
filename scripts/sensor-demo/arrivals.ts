/** What a person sees while the sensor sends: alerts as they arrive, and what the device keeps meanwhile. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Say } from './say.ts';
import type { Arrivals, StoredReport } from './services/couchdb.ts';
import type { Platform } from './services/platform.ts';

export type Tally = {
  /** Messages that the broker has acknowledged. */
  sent: number;
  /** Reports in CouchDB, and how many of them have an alert. */
  stored: number;
  alerts: number;
};

const pollMs = 300;
const outboxEveryMs = 2_000;
const tallyEveryMs = 15_000;

export type WatchOptions = {
  readonly arrivals: Arrivals;
  readonly platform: Platform;
  readonly tally: Tally;
  readonly say: Say;
  readonly signal: AbortSignal;
};

/** Watches until the signal is aborted, or `enough` says so. Trouble with CouchDB is told, and watched through. */
export async function watch(options: WatchOptions, enough: () => boolean): Promise<void> {
  const { arrivals, tally, say, signal } = options;
  const outbox = createOutboxLine(options);
  let told = '';
  let nextTally = performance.now() + tallyEveryMs;
  while (!signal.aborted && !enough()) {
    const reports = await arrivals.next().catch((error: Error): StoredReport[] => {
      if (error.message !== told) say('CouchDB', error.message);
      told = error.message;
      return [];
    });
    for (const report of reports) {
      tally.stored += 1;
      if (!report.result.alert) continue;
      tally.alerts += 1;
      say('CouchDB', alertLine(report, Date.now()));
    }
    await outbox();
    if (performance.now() >= nextTally) {
      say('CouchDB', `${tally.stored} reports of ${tally.sent} messages are here, ${tally.alerts} of them alerts`);
      nextTally = performance.now() + tallyEveryMs;
    }
    await delay(pollMs, undefined, { signal }).catch(() => undefined);
  }
}

function alertLine({ agent, created_at, result: { sensor, message, alert } }: StoredReport, now: number): string {
  const seconds = Math.max(0, (now - Date.parse(created_at)) / 1_000).toFixed(1);
  const number = message.split('-').at(-1);
  return `ALERT ${sensor} is ${alert?.level}: ${alert?.text} (message ${number}, recorded on ${agent} ${seconds} s ago)`;
}

/** While the control plane is away, what the device has recorded, whenever there is more of it. */
function createOutboxLine({ platform, say }: WatchOptions): () => Promise<void> {
  let shown = 0;
  let next = 0;
  return async () => {
    if (platform.controlPlane.on || !platform.device.on || performance.now() < next) return;
    next = performance.now() + outboxEveryMs;
    const kept = await platform.metric('skerry_agent_outbox_outcomes');
    if (kept === undefined || kept === shown) return;
    shown = kept;
    say('device', `${kept} outcomes are in the outbox, on disk, until the control plane is back`);
  };
}
