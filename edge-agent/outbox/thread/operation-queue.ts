/**
 * Operations that wait for their commit, or are in it. Necessary writes (an outcome, an attempt, a forgotten outcome)
 * stay in the queue when a commit fails. Other operations are then refused.
 */
import type { AnswerOf, BatchFailure, Failure, Operation } from '../storage/operations.ts';
import { batchLength, bytesOf } from './packing.ts';

export type OperationAnswer<Asked extends Operation> =
  | { readonly done: true; readonly answer: AnswerOf<Asked> }
  /** Nothing of it was stored, or with `away` it is unknown. The only failure of a necessary write is `refused`. */
  | { readonly done: false; readonly failure: Failure };

/** The answers of one commit, in the order of its operations. */
type CommitAnswers = {
  readonly answers: readonly unknown[];
  /** Indexes of the operations that the file refused. */
  readonly refused: readonly number[];
};

type Entry = {
  readonly operation: Operation;
  readonly bytes: number;
  onAnswer(answer: OperationAnswer<Operation>): void;
};

/**
 * Limits of the queue, in operations and bytes. A further event is refused as if the file were full, and so are the
 * events after it until the next commit, so that none overtakes it.
 */
const maxWaiting = 10_000;
const maxWaitingBytes = 32 * 1024 * 1024;

/** Operations that no other part keeps. */
const necessary: ReadonlySet<Operation['do']> = new Set(['failed', 'end', 'forget', 'set-aside', 'keep-only']);

/** True for a write that is kept and tried again until it succeeds. */
export function isNecessary(operation: Operation): boolean {
  return necessary.has(operation.do);
}

export class OperationQueue {
  #waiting: Entry[] = [];
  #inCommit: Entry[] = [];
  #bytes = 0;
  /** An event was refused because too many operations wait. */
  #isCrowded = false;

  get length(): number {
    return this.#waiting.length + this.#inCommit.length;
  }

  /** Bytes of the inputs and outputs of all operations. */
  get bytes(): number {
    return this.#bytes;
  }

  get isCommitting(): boolean {
    return this.#inCommit.length > 0;
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** False from the first event that does not fit, until the next commit. */
  hasRoomFor(operation: Operation): boolean {
    this.#isCrowded ||= this.#waiting.length >= maxWaiting || this.#bytes + bytesOf(operation) > maxWaitingBytes;
    return !this.#isCrowded;
  }

  add(operation: Operation, onAnswer: Entry['onAnswer']): void {
    const bytes = bytesOf(operation);
    this.#bytes += bytes;
    this.#waiting.push({ operation, bytes, onAnswer });
  }

  /** Begins a commit with the operations that waited longest. None may be in progress. */
  takeBatch(): readonly Operation[] {
    this.#inCommit = this.#waiting.splice(0, batchLength(this.#waiting));
    return this.#inCommit.map(({ operation }) => operation);
  }

  /** The commit is done. */
  settle({ answers, refused }: CommitAnswers): void {
    this.#isCrowded = false;
    const settled = this.#inCommit;
    this.#inCommit = [];
    for (const [index, entry] of settled.entries()) {
      this.#bytes -= entry.bytes;
      if (refused.includes(index)) entry.onAnswer({ done: false, failure: 'refused' });
      else entry.onAnswer({ done: true, answer: answers[index] as never });
    }
  }

  /** The commit failed, or none is possible. Necessary writes wait again, and other operations are refused. */
  fail(failure: BatchFailure): void {
    this.#isCrowded = false;
    const all = [...this.#inCommit, ...this.#waiting];
    this.#inCommit = [];
    this.#waiting = all.filter(({ operation }) => isNecessary(operation));
    for (const entry of all) {
      if (isNecessary(entry.operation)) continue;
      this.#bytes -= entry.bytes;
      entry.onAnswer({ done: false, failure });
    }
  }
}
