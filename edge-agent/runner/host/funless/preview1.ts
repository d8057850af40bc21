/**
 * WASI preview1 for a guest of FunLess's ABI: no arguments, no environment, no files, empty input; its output streams
 * go to the log. Absent functions answer ENOSYS. Types and layouts: WASI's preview1 docs (legacy/preview1/docs.md).
 */
import { webcrypto } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CallChannel } from '../../protocol/channel.ts';
import type { OutputTarget } from '../io/streams.ts';
import type { FunlessMemory } from './guest-memory.ts';

/** `errno`. */
const errno = { success: 0, badf: 8, inval: 28, nosys: 52, notsup: 58, spipe: 70 } as const;
/** `filetype` character_device. */
const characterDevice = 2;
/** Vectors and bytes of one fd_write; the guest must write the rest again. */
const maxVectors = 1_024;
const maxWriteBytes = 1024 * 1024;
/** Bytes that the generator returns at once (Web Cryptography API, getRandomValues). */
const randomQuota = 65_536;
/** Events that one poll_oneoff may wait for. */
const maxSubscriptions = 64;
const subscription = { size: 48, tag: 8, clockId: 16, timeout: 24, flags: 40 } as const;
const event = { size: 32, errno: 8, type: 10 } as const;
const clockTag = 0;
const realtimeId = 0;
const absoluteTime = 1;
/** The largest value of a timer; the call's deadline is long before. */
const longestWaitMs = 2_147_483_647;

/** The guest has ended itself. */
export class Preview1Exit extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`exited with code ${exitCode}`);
    this.name = 'Exit';
    this.exitCode = exitCode;
  }
}

type Imported = (...values: never[]) => unknown;

/** Names of functions that may wait; their values must be wrapped for that. */
export const waitingFunctions: ReadonlySet<string> = new Set(['poll_oneoff']);

/** @returns the functions by name; absent ones answer `nosys` */
export function createPreview1(
  memory: FunlessMemory,
  channel: CallChannel,
  output: { readonly stdout: OutputTarget; readonly stderr: OutputTarget },
): Readonly<Record<string, Imported>> {
  const targets = new Map([
    [1, output.stdout],
    [2, output.stderr],
  ]);
  const isStream = (fd: number) => fd >= 0 && fd <= 2;
  const onStream = (fd: number) => (isStream(fd) ? errno.success : errno.badf);
  /** Nanoseconds: since the epoch, or since some start. */
  const now = (clockId: number): bigint =>
    clockId === realtimeId ? BigInt(Date.now()) * 1_000_000n : BigInt(Math.round(performance.now() * 1e6));
  const noStrings = (countPointer: number, bytesPointer: number) => {
    memory.writeU32(countPointer, 0);
    memory.writeU32(bytesPointer, 0);
    return errno.success;
  };

  return {
    args_get: () => errno.success,
    args_sizes_get: noStrings,
    environ_get: () => errno.success,
    environ_sizes_get: noStrings,

    clock_res_get(_clockId: number, pointer: number) {
      memory.writeU64(pointer, 1_000n);
      return errno.success;
    },
    clock_time_get(clockId: number, _precision: bigint, pointer: number) {
      memory.writeU64(pointer, now(clockId));
      return errno.success;
    },
    random_get(pointer: number, length: number) {
      if (length >>> 0 > memory.roomAt(pointer)) return errno.inval;
      for (let at = 0; at < length >>> 0; at += randomQuota) {
        const bytes = new Uint8Array(Math.min(randomQuota, (length >>> 0) - at));
        memory.write((pointer >>> 0) + at, webcrypto.getRandomValues(bytes));
      }
      return errno.success;
    },
    sched_yield: () => errno.success,
    proc_exit(code: number): never {
      throw new Preview1Exit(code >>> 0);
    },

    fd_write(fd: number, vectors: number, count: number, writtenPointer: number) {
      const target = targets.get(fd);
      if (!target) return errno.badf;
      if (count >>> 0 > maxVectors) return errno.inval;
      let written = 0;
      for (let index = 0; index < count && written < maxWriteBytes; index++) {
        const at = (vectors >>> 0) + 8 * index;
        const bytes = memory.readStart(memory.readU32(at), memory.readU32(at + 4), maxWriteBytes - written);
        target.write(bytes);
        written += bytes.byteLength;
      }
      memory.writeU32(writtenPointer, written);
      return errno.success;
    },
    fd_read(fd: number, _vectors: number, _count: number, readPointer: number) {
      if (fd !== 0) return errno.badf;
      memory.writeU32(readPointer, 0);
      return errno.success;
    },
    fd_fdstat_get(fd: number, pointer: number) {
      if (!isStream(fd)) return errno.badf;
      memory.write(pointer, Uint8Array.of(characterDevice, ...new Uint8Array(23)));
      return errno.success;
    },
    fd_close: onStream,
    fd_fdstat_set_flags: onStream,
    fd_seek: (fd: number) => (isStream(fd) ? errno.spipe : errno.badf),
    fd_prestat_get: () => errno.badf,
    fd_prestat_dir_name: () => errno.badf,

    /** Waits for the earliest of the clocks; streams are not waited for. */
    async poll_oneoff(subscriptions: number, events: number, count: number, countPointer: number) {
      if (count < 1 || count > maxSubscriptions) return errno.inval;
      const start = subscriptions >>> 0;
      const waits = Array.from({ length: count }, (_, index) => {
        const at = start + subscription.size * index;
        return { userdata: memory.readU64(at), delay: delayOf(memory, at, now) };
      });
      const [least = 0n] = waits.map(({ delay }) => delay).toSorted((a, b) => (a < b ? -1 : 1));
      if (least > 0n) await sleep(toMs(least), undefined, { signal: channel.signal });
      const due = waits.filter(({ delay }) => delay <= least);
      for (const [index, { userdata, delay }] of due.entries()) {
        const at = (events >>> 0) + event.size * index;
        memory.write(at, new Uint8Array(event.size));
        memory.writeU64(at, userdata);
        memory.writeU16(at + event.errno, delay === notAClock ? errno.notsup : errno.success);
      }
      memory.writeU32(countPointer, due.length);
      return errno.success;
    },
  } satisfies Record<string, Imported>;
}

/** An event that cannot be waited for: it is due at once, and an error. */
const notAClock = -1n;

/** Nanoseconds from now. */
function delayOf(memory: FunlessMemory, at: number, now: (clockId: number) => bigint): bigint {
  if (memory.read(at + subscription.tag, 1)[0] !== clockTag) return notAClock;
  const timeout = memory.readU64(at + subscription.timeout);
  if ((memory.readU32(at + subscription.flags) & absoluteTime) === 0) return timeout;
  const delay = timeout - now(memory.readU32(at + subscription.clockId));
  return delay < 0n ? 0n : delay;
}

const toMs = (nanoseconds: bigint): number => Math.min(Math.ceil(Number(nanoseconds) / 1e6), longestWaitMs);

export const noSuchFunction = (): number => errno.nosys;
