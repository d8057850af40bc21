/**
 * How many callbacks are under way to whom: one receiver that is slow takes no places from the others. It has a few at
 * one time, and one that let us wait has a rest, which grows, and then one at a time until it is quick again.
 */
import { backoffDelay } from '@skerry/shared/backoff.ts';

export type Receivers = {
  /**
   * Undefined: one may go to this host now, and whoever sends it tells with `done`. Else milliseconds after which it
   * may be worth asking again.
   */
  begin(host: string): number | undefined;
  /** @param tookMs how long it took until there was an answer, or none */
  done(host: string, tookMs: number): void;
};

export type ReceiversOptions = {
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
  readonly random: () => number;
};

/** Under way to one host at one time. */
const most = 4;
/** Whoever takes longer holds others up, whatever comes of it. */
const slowMs = 5_000;
const rests = { baseMs: 20_000, capMs: 300_000 };
const leastRestMs = 10_000;
/** How long one is taken to need before any came back; and how long one that found no room waits at most. */
const firstMs = 1_000;
const longestMs = 600_000;

/** `nextAt`: when the last of those that found no room is to come again; they come one after another, as it takes them. */
type Receiver = { underWay: number; slow: number; until: number; tookMs: number; nextAt: number };

export function createReceivers({ now, random }: ReceiversOptions): Receivers {
  /** Only those that have something under way, or were slow not long ago. */
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
        // Those that went out together are slow together, which counts once.
        if (one.until < now()) {
          one.slow += 1;
          one.until = now() + backoffDelay(one.slow, random(), leastRestMs, rests);
        }
      } else if (one.until < now()) one.slow = 0;
      forget();
    },
  };
}
