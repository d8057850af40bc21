/**
 * The interface of every type of sink: it takes documents, and reports the result of each.
 *
 * There are two kinds of failure, never mixed. A document's own: the other side was reached and rejected it; it costs
 * an attempt. The sink's: unreachable, refusing every sender, overloaded, or not the expected server; then no document
 * loses an attempt, and all wait.
 */

/** The document of one invocation. */
export type SinkDocument = {
  /** Of the invocation; the other side recognises a repeat by it. */
  readonly id: string;
  /** A JSON object. */
  readonly json: string;
};

/**
 * `taken`: it is stored, now or earlier. `again`: it may be taken another time; an attempt is used. `refused`: it will
 * never be taken in this form.
 */
export type DeliveryVerdict =
  | { readonly kind: 'taken' }
  | { readonly kind: 'again'; readonly reason: string }
  | { readonly kind: 'refused'; readonly reason: string };

/** Why nothing can be delivered now, for a person, without credentials. */
export type SinkDown = {
  readonly reason: string;
  /** Milliseconds that the other side asks to wait. */
  readonly waitMs?: number | undefined;
};

export type Delivered = {
  /** One per document, in order; undefined where it is unknown, or was not tried. */
  readonly verdicts: readonly (DeliveryVerdict | undefined)[];
  readonly down?: SinkDown | undefined;
};

export type OpenSink = {
  /** Documents, and their bytes, that are best given at once. One document may have more bytes. */
  readonly batch: { readonly documents: number; readonly bytes: number };
  /**
   * Documents are given in the order of their invocations' ends. Never rejects. When the signal aborts it ends soon,
   * with the results known by then.
   */
  deliver(documents: readonly SinkDocument[], signal: AbortSignal): Promise<Delivered>;
  /** Idempotent; nothing is delivered after it. */
  close(): Promise<void>;
};

export const taken: DeliveryVerdict = { kind: 'taken' };
