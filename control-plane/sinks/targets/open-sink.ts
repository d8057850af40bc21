/**
 * What every type of sink is to whoever delivers: something that takes documents, and says of each what became of it.
 *
 * Two kinds of failure, never mixed. A document's own: the other side was reached and took it badly; it costs an
 * attempt. The sink's: unreachable, refuses whoever comes, overloaded, or not what it should be; then nothing is held
 * against any document, and all wait.
 */

/** What is delivered of one invocation. */
export type SinkDocument = {
  /** Of the invocation; the other side knows a repeat by it. */
  readonly id: string;
  /** A JSON object. */
  readonly json: string;
};

/**
 * `taken`: it is there, from now or from before. `again`: it may be taken another time; an attempt is spent. `refused`:
 * it will never be taken as it is.
 */
export type Verdict =
  | { readonly kind: 'taken' }
  | { readonly kind: 'again'; readonly reason: string }
  | { readonly kind: 'refused'; readonly reason: string };

/** Why nothing can be delivered now, for a person, without credentials. */
export type SinkDown = {
  readonly reason: string;
  /** Milliseconds that the other side asks to be left alone. */
  readonly waitMs?: number | undefined;
};

export type Delivered = {
  /** One per document, in order; undefined where it is not known, or was not tried. */
  readonly verdicts: readonly (Verdict | undefined)[];
  readonly down?: SinkDown | undefined;
};

export type OpenSink = {
  /** Documents, and bytes of them, that are best given at one time. One document may have more bytes than that. */
  readonly batch: { readonly documents: number; readonly bytes: number };
  /**
   * Documents are given in the order of their invocations' ends. Never rejects. When the signal aborts it ends soon,
   * with what is known by then.
   */
  deliver(documents: readonly SinkDocument[], signal: AbortSignal): Promise<Delivered>;
  /** Idempotent; nothing is delivered after it. */
  close(): Promise<void>;
};

export const taken: Verdict = { kind: 'taken' };
