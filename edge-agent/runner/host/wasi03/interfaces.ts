/**
 * The interfaces of WASI 0.3 that every function may import: `wasi:cli`, `wasi:clocks` and `wasi:random`, made of those
 * of 0.2 that its instance has anyway. Limits, log and declarations are therefore the same, and so is what is denied.
 */
import { wallClock } from '@bytecodealliance/preview2-shim/clocks';
import { createMonotonicClock } from '../io/clocks.ts';
import type { InputStream, OutputStream } from '../io/streams.ts';
import type { Wasi } from '../wasi/wasi.ts';
import { drain, type Ended, type GuestStream, readable } from './byte-streams.ts';

/** How an instance is told of what its host has done. */
export type Progress = {
  /** Something that the guest may wait for has happened. */
  moved(): void;
  /** Ends the call. */
  fail(error: unknown): void;
};

export type Interfaces = {
  /** By the names that transpiling gives them: interface, `@0.3`. */
  readonly imports: Record<string, unknown>;
  /**
   * Resolves when everything that the guest has written is here: its streams have ended, or nothing comes any more from
   * those that it left open. The guest has returned, so only tasks that it has left behind may still write.
   */
  settled(): Promise<void>;
};

/** Random bytes in one answer at most; WIT `get-random-bytes` allows fewer than were asked for. */
const longestRandom = 65_536n;
/** Streams that a guest may have given for its output, and not ended. */
const maxOpen = 1_024;

/** Turns of the event loop in which what was written gets here: one for the glue to look, and some to spare. */
const turnsToArrive = 4;

const none = () => undefined;

export function createInterfaces(wasi: Wasi, { moved, fail }: Progress): Interfaces {
  const old = <T>(name: string) => wasi.imports[name] as T;
  const { getStdin } = old<{ getStdin(): InputStream }>('wasi:cli/stdin');
  const { getStdout } = old<{ getStdout(): OutputStream }>('wasi:cli/stdout');
  const { getStderr } = old<{ getStderr(): OutputStream }>('wasi:cli/stderr');
  const { getEnvironment, getArguments } = old<Record<string, unknown>>('wasi:cli/environment');
  const { getRandomBytes, getRandomU64 } = old<Random>('wasi:random/random');
  const clock = createMonotonicClock(wasi.signal);
  let open = 0;
  /** Changes with everything that arrives. */
  let arrivals = 0;

  const write = (data: GuestStream, output: OutputStream): Promise<Ended> => {
    if (open >= maxOpen) throw new Error(`more than ${maxOpen} open output streams`);
    open += 1;
    const arrived = () => {
      arrivals += 1;
      moved();
    };
    // What does not fit its limit, or is no bytes, ends the call; nothing else can go wrong with streams in memory.
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
