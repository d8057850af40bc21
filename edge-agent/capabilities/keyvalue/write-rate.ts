/**
 * Limits the rate of functions' writes to the store. A write runs on the agent's own thread and ends on the device's
 * flash, so a guest that writes in a loop would slow down its neighbours and wear out the device. Over its rate a
 * function waits for its turn; its deadline bounds the wait.
 *
 * Invariants: writes of a function are made in the order of their requests. At most `functionWaiting` writes of one
 * function wait, and at most `allWaitingBytes` bytes of all functions. An abandoned write costs nothing.
 */

/** Bytes per second that a function may write. A write counts for at least `leastBytes`, which makes 200 writes. */
const bytesPerSecond = 256 * 1024;
const leastBytes = bytesPerSecond / 200;
/** Bytes at once after a pause: one value of the largest size, and more for a larger share. */
const leastBurst = 1024 * 1024;
/** Each thread waits for one write; a process that sends more is compromised. */
const functionWaiting = 64;
const allWaitingBytes = 64 * 1024 * 1024;

export type Write = {
  readonly function: string;
  /** Of the value. */
  readonly bytes: number;
  /** Bytes that the function may store. */
  readonly limitBytes: number;
  /** False when the call has ended. */
  readonly isWanted: () => boolean;
};

/** `go`: the write is due. `ended`: its call has ended. `busy`: too many already wait. */
export type Turn = 'go' | 'ended' | 'busy';

export type WriteRate = {
  /** Resolves when the write may be made, or must not be made. Never rejects. */
  turn(write: Write): Promise<Turn>;
  /** Ends the waiting writes of this function. */
  forget(functionId: string): void;
};

type Waiting = Write & { readonly cost: number; readonly settle: (turn: Turn) => void };
/** `room`: bytes that could be written at once at the time `at`. */
type Pace = { room: number; at: number; queue: Waiting[]; timer: NodeJS.Timeout | undefined };

/**
 * @param now in milliseconds; only differences count
 * @param defer calls back after this number of milliseconds; by default an unref'ed timer
 */
export function createWriteRate(
  now: () => number = () => performance.now(),
  defer: (run: () => void, ms: number) => NodeJS.Timeout = (run, ms) => setTimeout(run, ms).unref(),
): WriteRate {
  const paces = new Map<string, Pace>();
  let waitingBytes = 0;

  const settle = (waiting: Waiting, turn: Turn) => {
    waitingBytes -= waiting.bytes;
    waiting.settle(turn);
  };
  const dropEnded = (pace: Pace) => {
    for (const waiting of pace.queue) if (!waiting.isWanted()) settle(waiting, 'ended');
    pace.queue = pace.queue.filter(({ isWanted }) => isWanted());
  };
  const refill = (pace: Pace, burst: number) => {
    const time = now();
    pace.room = Math.min(burst, pace.room + ((time - pace.at) * bytesPerSecond) / 1_000);
    pace.at = time;
  };
  const advance = (pace: Pace) => {
    clearTimeout(pace.timer);
    pace.timer = undefined;
    dropEnded(pace);
    for (;;) {
      const [first] = pace.queue;
      if (!first) return;
      refill(pace, burstOf(first));
      if (pace.room < first.cost) {
        const waitMs = Math.ceil(((first.cost - pace.room) * 1_000) / bytesPerSecond);
        pace.timer = defer(() => advance(pace), waitMs);
        return;
      }
      pace.room -= first.cost;
      pace.queue.shift();
      settle(first, 'go');
    }
  };
  const paceOf = (write: Write): Pace => {
    const known = paces.get(write.function);
    if (known) return known;
    const pace: Pace = { room: burstOf(write), at: now(), queue: [], timer: undefined };
    paces.set(write.function, pace);
    return pace;
  };

  return {
    turn(write) {
      const pace = paceOf(write);
      if (pace.queue.length >= functionWaiting) dropEnded(pace);
      if (waitingBytes + write.bytes > allWaitingBytes) for (const each of paces.values()) dropEnded(each);
      if (pace.queue.length >= functionWaiting || waitingBytes + write.bytes > allWaitingBytes) {
        return Promise.resolve('busy');
      }
      // A value over the largest size is refused when its turn comes.
      const cost = Math.min(Math.max(write.bytes, leastBytes), leastBurst);
      waitingBytes += write.bytes;
      return new Promise((resolve) => {
        pace.queue.push({ ...write, cost, settle: resolve });
        if (pace.timer === undefined) advance(pace);
      });
    },
    forget(functionId) {
      const pace = paces.get(functionId);
      paces.delete(functionId);
      clearTimeout(pace?.timer);
      for (const waiting of pace?.queue.splice(0) ?? []) settle(waiting, 'ended');
    },
  };
}

const burstOf = ({ limitBytes }: Write): number => Math.max(limitBytes, leastBurst);
