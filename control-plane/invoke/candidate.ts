/** The facts about an agent from which a policy chooses. */
export type Candidate = {
  readonly id: string;
  /** Bytes available on the device, as last reported; undefined before the first report. */
  readonly memoryAvailable: number | undefined;
  /** Bytes reserved by the calls in flight to it. */
  readonly reserved: number;
  /** Calls in flight to it from here. */
  readonly running: number;
  /** True when it has the function's current revision, ready to run. */
  readonly ready: boolean;
};

/** The chosen agent, or why there is none. */
type Choice<C extends Candidate> =
  | { readonly agent: C }
  | { readonly agent?: undefined; readonly code: 'no_agent' | 'no_capacity' };

/** Chooses one of the candidates; `random` is in [0, 1). */
export type Policy = <C extends Candidate>(
  candidates: readonly C[],
  capacityBytes: number,
  random: () => number,
) => Choice<C>;
