/**
 * The interfaces of WASI 0.3 that every function may import: `wasi:cli`, `wasi:clocks` and `wasi:random`. They are made
 * from the 0.2 interfaces of the instance. So limits, log, declarations and denials are the same.
 */
import { wallClock } from '@bytecodealliance/preview2-shim/clocks';
import { createMonotonicClock } from '../io/clocks.ts';
import type { InputStream, OutputStream } from '../io/streams.ts';
import type { Wasi } from '../wasi/wasi.ts';
import { drain, type Ended, type GuestStream, readable } from './byte-streams.ts';

/** How the host notifies an instance of progress. */
export type GuestProgress = {
  /** An event happened that the guest may be waiting for. */
  moved(): void;
  /** Ends the call. */
  fail(error: unknown): void;
};

export type Interfaces = {
  /** By the names that jco transpiles them to: interface, `@0.3`. */
  readonly imports: Record<string, unknown>;
  /**
   * Resolves when all output of the guest has arrived: its streams have ended, or an open stream brings no more bytes.
   * The guest has returned, so only its remaining tasks may still write.
   */
  settled(): Promise<void>;
};

/** Maximum number of random bytes in one answer; WIT `get-random-bytes` allows fewer than requested. */
const longestRandom = 65_536n;
/** Maximum number of open streams for the guest's output. */
const maxOpen = 1_024;

/** Turns of the event loop until written output has arrived: one for the glue to look, and some in reserve. */
const turnsToArrive = 4;

const none = () => undefined;

export function createInterfaces(wasi: Wasi, { moved, fail }: GuestProgress): Interfaces {
  const old = <T>(name: string) => wasi.imports[name] as T;
  const { getStdin } = old<{ getStdin(): InputStream }>('wasi:cli/stdin');
  const { getStdout } = old<{ getStdout(): OutputStream }>('wasi:cli/stdout');
  const { getStderr } = old<{ getStderr(): OutputStream }>('wasi:cli/stderr');
  const { getEnvironment, getArguments } = old<Record<string, unknown>>('wasi:cli/environment');
  const { getRandomBytes, getRandomU64 } = old<Random>('wasi:random/random');
  const clock = createMonotonicClock(wasi.signal);
  let open = 0;
  /** Changes with every arrival of output. */
  let arrivals = 0;

  const write = (data: GuestStream, output: OutputStream): Promise<Ended> => {
    if (open >= maxOpen) throw new Error(`more than ${maxOpen} open output streams`);
    open += 1;
    const arrived = () => {
      arrivals += 1;
      moved();
    };
    // Output over its limit, or of another type than bytes, ends the call. Streams in memory fail in no other way.
    return drain(data, output, arrived)
      .then((): Ended => ({ tag: 'ok' }))
      .catch((error: unknown): Ended => {
        fail(error);
        return { tag: 'err', val: 'io' };
      })
      .finally(() => {
        open -= 1;
        moved();
      });
  };
  const wait = async (until: { block(): void | Promise<void> }) => {
    await until.block();
    moved();
  };
  const random = (length: bigint) => getRandomBytes(length < longestRandom ? length : longestRandom);
  const seed = (): [bigint, bigint] => [getRandomU64(), getRandomU64()];

  return {
    imports: {
      'wasi:cli/environment@0.3': { getEnvironment, getArguments, getInitialCwd: () => '/' },
      'wasi:cli/exit@0.3': old('wasi:cli/exit'),
      'wasi:cli/stdin@0.3': { readViaStream: () => readable(getStdin(), () => 'io', moved) },
      'wasi:cli/stdout@0.3': { writeViaStream: (data: GuestStream) => write(data, getStdout()) },
      'wasi:cli/stderr@0.3': { writeViaStream: (data: GuestStream) => write(data, getStderr()) },
      'wasi:cli/terminal-input@0.3': old('wasi:cli/terminal-input'),
      'wasi:cli/terminal-output@0.3': old('wasi:cli/terminal-output'),
      'wasi:cli/terminal-stderr@0.3': { getTerminalStderr: none },
      'wasi:cli/terminal-stdin@0.3': { getTerminalStdin: none },
      'wasi:cli/terminal-stdout@0.3': { getTerminalStdout: none },
      'wasi:clocks/monotonic-clock@0.3': {
        now: clock.now,
        getResolution: clock.resolution,
        waitUntil: (when: bigint) => wait(clock.subscribeInstant(when)),
        waitFor: (duration: bigint) => wait(clock.subscribeDuration(duration)),
      },
      'wasi:clocks/system-clock@0.3': { now: wallClock.now, getResolution: () => 1_000_000n },
      'wasi:random/random@0.3': { getRandomBytes: random, getRandomU64 },
      'wasi:random/insecure@0.3': { getInsecureRandomBytes: random, getInsecureRandomU64: getRandomU64 },
      'wasi:random/insecure-seed@0.3': { getInsecureSeed: seed },
    },
    async settled() {
      for (let before = -1; open > 0 && before !== arrivals; ) {
        before = arrivals;
        moved();
        for (let turns = 0; turns < turnsToArrive; turns++) await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}

type Random = { getRandomBytes(length: bigint): Uint8Array; getRandomU64(): bigint };
