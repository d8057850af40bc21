/** Shows alerts as they arrive, and while the control plane is away, the number of outcomes on the device. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Say } from './say.ts';
import type { Arrivals, StoredReport } from './services/couchdb.ts';
import type { Platform } from './services/platform.ts';

export type Tally = {
  /** Messages that the broker has acknowledged. */
  sent: number;
  /** Number of reports in CouchDB, and of those with an alert. */
  stored: number;
  alerts: number;
};

const pollMs = 300;
const outboxEveryMs = 2_000;
const tallyEveryMs = 15_000;

type WatchOptions = {
  readonly arrivals: Arrivals;
  readonly platform: Platform;
  readonly tally: Tally;
  readonly say: Say;
  readonly signal: AbortSignal;
};

/** Watches until the signal is aborted or `enough` is true. Prints failures of CouchDB, and goes on. */
export async function watch(options: WatchOptions, enough: () => boolean): Promise<void> {
  const { arrivals, tally, say, signal } = options;
  const outbox = createOutboxLine(options);
  let lastMessage = '';
  let nextTally = performance.now() + tallyEveryMs;
  while (!signal.aborted && !enough()) {
    const reports = await arrivals.next().catch((error: Error): StoredReport[] => {
      if (error.message !== lastMessage) say('CouchDB', error.message);
      lastMessage = error.message;
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

/** While the control plane is away, shows how much the device has recorded, each time the number grows. */
function createOutboxLine({ platform, say }: WatchOptions): () => Promise<void> {
  let shown = 0;
  let next = 0;
  return async () => {
    if (platform.controlPlane.on || !platform.device.on || performance.now() < next) return;
    next = performance.now() + outboxEveryMs;
    const outcomes = await platform.metric('skerry_agent_outbox_outcomes');
    if (outcomes === undefined || outcomes === shown) return;
    shown = outcomes;
    say('device', `${outcomes} outcomes are in the outbox, on disk, until the control plane is back`);
  };
}
