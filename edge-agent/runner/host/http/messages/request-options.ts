/** The resource `request-options` of wasi:http/types. */

/** Durations are nanoseconds, as in wasi:clocks. */
export class RequestOptions {
  #connect: bigint | undefined;
  #firstByte: bigint | undefined;
  #betweenBytes: bigint | undefined;

  /** In whole milliseconds, rounded up; 0 stands for none. */
  static millisecondsOf(options = new RequestOptions()) {
    return {
      connectTimeoutMs: milliseconds(options.#connect),
      firstByteTimeoutMs: milliseconds(options.#firstByte),
      betweenBytesTimeoutMs: milliseconds(options.#betweenBytes),
    };
  }

  connectTimeout(): bigint | undefined {
    return this.#connect;
  }

  setConnectTimeout(duration: bigint | undefined): void {
    this.#connect = duration;
  }

  firstByteTimeout(): bigint | undefined {
    return this.#firstByte;
  }

  setFirstByteTimeout(duration: bigint | undefined): void {
    this.#firstByte = duration;
  }

  betweenBytesTimeout(): bigint | undefined {
    return this.#betweenBytes;
  }

  setBetweenBytesTimeout(duration: bigint | undefined): void {
    this.#betweenBytes = duration;
  }
}

/** A duration beyond the range of a timer counts as none. */
const longestTimer = 2 ** 31 - 1;

function milliseconds(nanoseconds: bigint | undefined): number {
  if (nanoseconds === undefined) return 0;
  const rounded = Number((nanoseconds + 999_999n) / 1_000_000n);
  return rounded > longestTimer ? 0 : Math.max(1, rounded);
}
