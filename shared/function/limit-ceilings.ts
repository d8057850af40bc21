/** The largest limits that a function may have, for code that needs no manifest schema. */

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;

/** Bytes and milliseconds. */
export const limitCeilings = {
  memoryBytes: 1024 * MiB,
  timeoutMs: 600_000,
  /** Input and output ride in one frame each; see `maxFrameBytes` in tunnel/protocol.ts. */
  inputBytes: 4 * MiB,
  outputBytes: 4 * MiB,
  bodyBytes: 1024 * GiB,
  logBytesPerSecond: MiB,
  concurrency: 10_000,
  keyvalueBytes: 64 * MiB,
} as const;
