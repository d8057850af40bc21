/**
 * Limits the callbacks in progress per host, so that a slow receiver takes no places from others. A host has a few at
 * once. A slow host gets a pause, which grows, and then one callback at a time until it is quick again.
 */
import { backoffDelay } from '@skerry/shared/backoff.ts';

export type Receivers = {
  /**
   * Undefined: one may go to this host now, and the sender must call `done` afterwards. Otherwise the milliseconds
   * after which to ask again.
   */
  begin(host: string): number | undefined;
  /** @param tookMs milliseconds until there was an answer, or none */
  done(host: string, tookMs: number): void;
};

type ReceiversOptions = {
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
  readonly random: () => number;
};

/** In progress to one host at once. */
const most = 4;
/** A callback that takes longer than this holds others up, with any result. */
const slowMs = 5_000;
const rests = { baseMs: 20_000, capMs: 300_000 };
const leastRestMs = 10_000;
/** The assumed duration before the first answer, and the longest wait of a callback without a place. */
const firstMs = 1_000;
const longestMs = 600_000;

/** `nextAt`: when the last waiting callback is to return. They return one after another, at the host's pace. */
type Receiver = { underWay: number; slow: number; until: number; tookMs: number; nextAt: number };

export function createReceivers({ now, random }: ReceiversOptions): Receivers {
  /** Only hosts with callbacks in progress, or that were slow recently. */
  const receivers = new Map<string, Receiver>();
  const forget = () => {
    for (const [host, { underWay, slow, until, nextAt }] of receivers) {
      const over = Math.max(nextAt, slow > 0 ? until + rests.capMs : until);
      if (underWay === 0 && over < now()) receivers.delete(host);
    }
  };
  return {
    begin(host) {
      const one = receivers.get(host) ?? { underWay: 0, slow: 0, until: 0, tookMs: firstMs, nextAt: 0 };
      const room = one.slow > 0 ? 1 : most;
      if (one.until > now() || one.underWay >= room) {
        one.nextAt = Math.min(Math.max(one.nextAt, one.until, now()) + one.tookMs / room, now() + longestMs);
        return one.nextAt - now();
      }
      one.underWay += 1;
      receivers.set(host, one);
      return undefined;
    },
    done(host, tookMs) {
      const one = receivers.get(host);
      if (!one) return;
      one.underWay -= 1;
      one.tookMs = (one.tookMs + tookMs) / 2;
      if (tookMs >= slowMs) {
        // Callbacks that were sent together are slow together, which counts once.
        if (one.until < now()) {
          one.slow += 1;
          one.until = now() + backoffDelay(one.slow, random(), leastRestMs, rests);
        }
      } else if (one.until < now()) one.slow = 0;
      forget();
    },
  };
}
