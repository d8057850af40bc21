/**
 * Callbacks: POSTs outcomes as JSON to the receivers that callers named, signed after the Standard Webhooks
 * specification. A callback is retried with back-off until the receiver answers 2xx or the attempts are used up.
 *
 * Each receiver has its own key, so no receiver can forge a callback to another. A slow receiver delays no other
 * (receivers.ts). Redirects are not followed, link-local and metadata addresses are refused, and an answer is bounded
 * and has a deadline (outbound/http-exchange.ts).
 */
import { createHmac } from 'node:crypto';
import { backoffDelay } from '@skerry/shared/backoff.ts';
import { setCallbackDelivered } from '../db/events/invocation-changes.ts';
import { findInvocation, type WholeInvocation } from '../db/events/invocation-reading.ts';
import { whileAway } from '../db/patience.ts';
import type { Store } from '../db/store.ts';
import type { Logger } from '../log/log.ts';
import { createExchange, failureReason } from '../outbound/http-exchange.ts';
import { invocationDocument } from '../queue/invocation-document.ts';
import type { Boss, Job } from '../queue/jobs/boss.ts';
import { invocationJobSchema } from '../queue/jobs/job-payloads.ts';
import { createReceivers } from './receivers.ts';

type CallbacksOptions = {
  readonly store: Store;
  readonly boss: Pick<Boss, 'complete' | 'insert'>;
  readonly log: Logger;
  /** Derives the key for one use: 32 bytes, the same each time. */
  readonly derive: (use: string) => Uint8Array;
  readonly now: () => Date;
  /** In milliseconds. */
  readonly monotonic: () => number;
  readonly random: () => number;
};

export type Callbacks = {
  /** The key of the receiver at this address, in the form that receivers' libraries take. Each origin has one. */
  secretFor(url: URL): string;
  /** Does one job of the queue `callbacks`. */
  handle(job: Job, stopping: AbortSignal): Promise<void>;
  close(): void;
};

/** Attempts at a callback: with these waits they span about half an hour. */
const attempts = 12;
const rests = { baseMs: 1_000, capMs: 3_600_000 };
/** Milliseconds that one attempt may take. */
const timeoutMs = 15_000;
/** RFC 9110, section 15.5.11: the receiver is gone for good. */
const gone = 410;

export function createCallbacks(options: CallbacksOptions): Callbacks {
  const { store, boss, log, derive, now, monotonic, random } = options;
  const receivers = createReceivers({ now: monotonic, random });
  const deriveKey = ({ origin }: URL) => derive(`callback:${origin}`);
  // Callers name the receivers, so the number of idle connections would have no bound. None is kept.
  const exchange = createExchange(undefined, timeoutMs, 0);

  /** Undefined when the receiver has the outcome; else the reason, and whether a retry is useless. */
  const post = async (url: URL, row: WholeInvocation, signal: AbortSignal) => {
    const timestamp = Math.floor(now().getTime() / 1_000);
    const id = `${row.id}-${row.endedAt?.getTime() ?? 0}`;
    const body = JSON.stringify({
      type: 'invocation.ended',
      timestamp: (row.endedAt ?? now()).toISOString(),
      data: invocationDocument(row),
    });
    const headers = {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': sign(deriveKey(url), id, timestamp, body),
    };
    const begun = monotonic();
    try {
      const { status } = await exchange.send({ method: 'POST', url, headers, body, signal });
      if (status >= 200 && status < 300) return undefined;
      return { reason: `the answer was ${status}`, final: status === gone };
    } catch (error) {
      return { reason: failureReason(error), final: false };
    } finally {
      receivers.done(url.host, monotonic() - begun);
    }
  };

  const settle = (job: Job, id: string, delivered: boolean | undefined, again: object | undefined) =>
    store.change(async (orm) => {
      if (delivered !== undefined) await setCallbackDelivered(orm, id, delivered);
      await boss.complete(orm, 'callbacks', [job]);
      if (again) await boss.insert(orm, 'callbacks', [again]);
    });

  return {
    secretFor: (url) => `whsec_${Buffer.from(deriveKey(url)).toString('base64')}`,
    async handle(job, stopping) {
      const asked = invocationJobSchema.safeParse(job.data);
      const { id, rests: tried } = asked.success ? asked.data : { id: undefined, rests: 0 };
      const patiently = <T>(work: () => Promise<T>) => whileAway(work, stopping);
      const row = id === undefined ? undefined : await patiently(() => store.read((orm) => findInvocation(orm, id)));
      // Replayed meanwhile, or removed. A replayed invocation gets another callback job when it ends.
      if (!row?.callbackUrl || !row.endedAt) return patiently(() => settle(job, '', undefined, undefined));
      const url = new URL(row.callbackUrl);
      const laterMs = receivers.begin(url.host);
      if (laterMs !== undefined) {
        const again = { data: { id: row.id, rests: tried }, startAfter: laterMs / 1_000 };
        return patiently(() => settle(job, row.id, undefined, again));
      }
      const failure = await post(url, row, stopping);
      const data = { id: row.id, rests: tried + 1 };
      if (!failure) return patiently(() => settle(job, row.id, true, undefined));
      if (stopping.aborted) return settle(job, row.id, undefined, { data: { ...data, rests: tried } });
      if (failure.final || tried + 1 >= attempts) {
        log.warn({ invocation: row.id, reason: failure.reason, attempts: tried + 1 }, 'callback given up');
        return patiently(() => settle(job, row.id, false, undefined));
      }
      const startAfter = backoffDelay(tried + 1, random(), 0, rests) / 1_000;
      return patiently(() => settle(job, row.id, undefined, { data, startAfter }));
    },
    close: exchange.close,
  };
}

/** Standard Webhooks, "Signature scheme": `v1,` and the HMAC-SHA256 of id, timestamp and body, in base64. */
function sign(key: Uint8Array, id: string, timestamp: number, body: string): string {
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}
