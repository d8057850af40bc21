/**
 * A healthy function that is called throughout, one call after another, so that harm to others shows in its latency.
 */

export type Neighbour = {
  /** The outcomes of its calls while `work` ran, and the result of the work. */
  during<T>(work: () => Promise<T>): Promise<Meanwhile & { readonly result: T }>;
  /** Resolves when the function is warm and its latency without harm is known. */
  settled(): Promise<void>;
  /** p99 without harm, in milliseconds. */
  readonly p99Before: number;
  stop(): Promise<void>;
};

export type Meanwhile = {
  readonly calls: number;
  /** In milliseconds. */
  readonly p99: number;
  /** Messages of the failed calls. */
  readonly failures: readonly string[];
};

type Sample = { readonly start: number; readonly ms: number; readonly failure: string | undefined };

/** Between two calls, in milliseconds: a neighbour, not a load test. */
const pauseMs = 5;
/** Calls that warm the function up, and calls that measure its latency. */
const warmUp = 50;
const reference = 150;

/** @param call resolves with an error message, or undefined */
export function createNeighbour(call: () => Promise<string | undefined>): Neighbour {
  const samples: Sample[] = [];
  let stopped = false;
  const running = (async () => {
    while (!stopped) {
      const start = performance.now();
      const failure = await call().catch(String);
      samples.push({ start, ms: performance.now() - start, failure });
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  })();
  let p99Before = 0;
  /** A call that began after this moment has ended. */
  const oneMore = async () => {
    const from = performance.now();
    while (!stopped && !((samples.at(-1)?.start ?? 0) > from)) await new Promise((resolve) => setTimeout(resolve, 1));
  };

  return {
    async during(work) {
      const from = performance.now();
      const result = await work();
      await oneMore();
      const meanwhile = samples.filter(({ start, ms }) => start + ms >= from);
      const failures = meanwhile.flatMap(({ failure }) => failure ?? []);
      return { result, calls: meanwhile.length, p99: p99Of(meanwhile), failures };
    },
    async settled() {
      while (samples.length < warmUp + reference) await oneMore();
      p99Before = p99Of(samples.slice(warmUp));
    },
    get p99Before() {
      return p99Before;
    },
    async stop() {
      stopped = true;
      await running;
    },
  };
}

function p99Of(samples: readonly Sample[]): number {
  const sorted = samples.map(({ ms }) => ms).sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.99))] ?? 0;
}
