/**
 * The agent's side of the thread that has the outbox's file: starts and replaces the thread, collects operations during
 * a commit (operation-queue.ts), sends them together, and distributes the answers.
 *
 * Invariants: one batch is in progress at a time, and answers come in the order of the operations. Necessary writes (an
 * outcome, an attempt, a forgotten outcome) are kept here and tried again until they succeed. Other operations (an
 * event that is not yet acknowledged, a read) are refused at once when the file is away or full. No operation waits
 * longer than `patienceMs` for a batch, or `openMs` for the file to be opened.
 */
import { Worker } from 'node:worker_threads';
import { type BackoffOptions, backoffDelay } from '@skerry/shared/backoff.ts';
import type { Logger } from 'pino';
import type {
  BatchFailure,
  FileState,
  FromOutboxThread,
  Operation,
  PendingOfTrigger,
  Report,
  ThreadSettings,
} from '../storage/operations.ts';
import { isNecessary, type OperationAnswer, OperationQueue } from './operation-queue.ts';
import { packBatch } from './packing.ts';

export type OutboxClient = {
  /**
   * Takes an operation for the next commit. `onAnswer` is called once; never for a necessary write that is not done
   * before the agent ends.
   */
  submit<Asked extends Operation>(operation: Asked, onAnswer?: (answer: OperationAnswer<Asked>) => void): void;
  /** Starts the thread, if it does not run. */
  open(): void;
  /** Fill level of the file; undefined before the thread has reported it. */
  readonly state: FileState | undefined;
  /** Operations that wait for their commit, or are in it. */
  readonly waiting: number;
  /** Bytes of their inputs and outputs. */
  readonly waitingBytes: number;
  /**
   * Commits pending operations, then ends the thread, each within `deadlineMs`. @returns operations that were not
   * committed
   */
  close(deadlineMs: number): Promise<number>;
};

type ClientOptions = Omit<ThreadSettings, 'seqAfter'> & {
  readonly script: URL;
  readonly log: Logger;
  readonly random?: () => number;
  /** The thread has opened the file, for the first time or again: earlier reads are void. */
  readonly onOpened: (pending: readonly PendingOfTrigger[]) => void;
  /** Answers of a batch have been given, or it failed. */
  readonly onBatch: (commitSeconds: number | undefined) => void;
  /** True while the thread is needed besides the contents of the file. */
  readonly isNeeded: () => boolean;
  /** Milliseconds after which an idle thread is ended. */
  readonly idleMs?: number;
  /** Milliseconds that the file may take to be opened. */
  readonly openMs?: number;
};

/** Milliseconds that a batch may take before the thread counts as lost. */
const patienceMs = 60_000;
/** Checking a large file on slow storage, and repairing a damaged one, takes long. */
const defaultOpenMs = 600_000;
const defaultIdleMs = 10_000;
const restartBackoff = { baseMs: 200, capMs: 30_000 };
const fullBackoff = { baseMs: 200, capMs: 5_000 };

export function createOutboxClient(options: ClientOptions): OutboxClient {
  return new ThreadClient(options);
}

class ThreadClient implements OutboxClient {
  readonly #options: ClientOptions;
  readonly #queue = new OperationQueue();
  #worker: Worker | undefined;
  #isOpen = false;
  #state: FileState | undefined;
  /** Damaged rows that earlier threads found. */
  #damagedBefore = 0;
  /** Sequence number of the last operation, from which a new thread continues. */
  #lastSeq = 0;
  /** Failed batches and lost threads in a row. */
  #failures = 0;
  #isFlushScheduled = false;
  /** Runs while the client waits before the next attempt. */
  #rest: NodeJS.Timeout | undefined;
  #patience: NodeJS.Timeout | undefined;
  #idle: NodeJS.Timeout | undefined;
  /** Set while the client closes: called when no batch is left. */
  #onSettled: (() => void) | undefined;
  #isClosed = false;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  get state(): FileState | undefined {
    return this.#state && { ...this.#state, damaged: this.#state.damaged + this.#damagedBefore };
  }

  get waiting(): number {
    return this.#queue.length;
  }

  get waitingBytes(): number {
    return this.#queue.bytes;
  }

  submit<Asked extends Operation>(operation: Asked, onAnswer?: (answer: OperationAnswer<Asked>) => void): void {
    const answer = (onAnswer ?? (() => undefined)) as (answer: OperationAnswer<Operation>) => void;
    const failure = isNecessary(operation) ? undefined : this.#findFailure(operation);
    if (failure) {
      setImmediate(() => answer({ done: false, failure }));
      return;
    }
    this.#queue.add(operation, answer);
    this.open();
    this.#flushSoon();
  }

  open(): void {
    if (this.#worker || this.#rest || this.#isClosed) return;
    const { script, path, limitBytes, openMs = defaultOpenMs } = this.#options;
    const worker = new Worker(script, {
      workerData: { path, limitBytes, seqAfter: this.#lastSeq } satisfies ThreadSettings,
      resourceLimits: { maxOldGenerationSizeMb: 96, maxYoungGenerationSizeMb: 2 },
      execArgv: [],
    });
    this.#worker = worker;
    const onLate = () => this.#onLost(worker, `its file was not open after ${openMs} ms`);
    this.#patience = setTimeout(onLate, openMs).unref();
    worker.on('message', (message: FromOutboxThread) => {
      if (worker === this.#worker) this.#onMessage(message);
    });
    worker.on('error', (error: unknown) =>
      this.#onLost(worker, error instanceof Error ? error.message : String(error)),
    );
    worker.on('exit', () => this.#onLost(worker, 'its thread ended'));
    worker.unref();
  }

  async close(deadlineMs: number): Promise<number> {
    this.#isClosed = true;
    clearTimeout(this.#rest);
    clearTimeout(this.#idle);
    this.#rest = undefined;
    const worker = this.#worker;
    if (!worker) return this.#queue.length;
    // From the start: a thread that is lost meanwhile ends only once.
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    const settled = Promise.withResolvers<void>();
    this.#onSettled = settled.resolve;
    const timer = setTimeout(settled.resolve, deadlineMs);
    worker.ref();
    this.#flushSoon();
    await settled.promise;
    clearTimeout(timer);
    const left = this.#queue.length;
    this.#worker = undefined;
    clearTimeout(this.#rest);
    clearTimeout(this.#patience);
    worker.postMessage('close');
    const cut = setTimeout(() => void worker.terminate(), deadlineMs);
    await ended;
    clearTimeout(cut);
    return left;
  }

  /** The reason to refuse an operation that is not necessary; undefined when it may wait for a commit. */
  #findFailure(operation: Operation): BatchFailure | undefined {
    if (this.#isClosed) return 'away';
    if (this.#rest) return this.#worker ? 'full' : 'away';
    return operation.do !== 'record' || this.#queue.hasRoomFor(operation) ? undefined : 'full';
  }

  /** Operations that are submitted within one turn of the event loop go together. */
  #flushSoon(): void {
    if (this.#isFlushScheduled || this.#queue.isCommitting) return;
    this.#isFlushScheduled = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#isFlushScheduled = false;
    const worker = this.#worker;
    if (!worker || !this.#isOpen || this.#queue.isCommitting || this.#rest) return;
    if (!this.#queue.hasWaiting) {
      this.#settle();
      return;
    }
    const batch = packBatch(this.#queue.takeBatch());
    clearTimeout(this.#idle);
    this.#patience = setTimeout(() => this.#onLost(worker, 'it did not answer in time'), patienceMs);
    worker.postMessage(batch, [batch.bytes]);
  }

  /** No operation waits: ends the close, or the thread when it stays idle. */
  #settle(): void {
    if (this.#onSettled) {
      this.#onSettled();
      return;
    }
    clearTimeout(this.#idle);
    const { isNeeded, idleMs = defaultIdleMs } = this.#options;
    if (isNeeded() || !this.#state || this.#state.events + this.#state.outcomes > 0) return;
    this.#idle = setTimeout(() => this.#endIdleThread(), idleMs).unref();
  }

  #endIdleThread(): void {
    if (this.#queue.length > 0 || this.#options.isNeeded()) return;
    const ended = this.#worker;
    this.#forgetThread();
    ended?.postMessage('close');
  }

  #forgetThread(): void {
    this.#worker = undefined;
    this.#isOpen = false;
    this.#damagedBefore += this.#state?.damaged ?? 0;
    if (this.#state) this.#state = { ...this.#state, damaged: 0 };
  }

  #onMessage(message: FromOutboxThread): void {
    const { path, log, onOpened, onBatch } = this.#options;
    clearTimeout(this.#patience);
    if (message.kind === 'failed') {
      log.error({ failure: message.failure, path }, 'the outbox has no room on the disk');
      this.#failBatch(message.failure);
      this.#restThen(() => this.#flush(), fullBackoff);
      return;
    }
    this.#state = message.state;
    this.#lastSeq = message.state.lastSeq;
    this.#logReports(message.reports);
    if (message.kind === 'opened') {
      this.#isOpen = true;
      onOpened(message.pending);
    } else {
      this.#failures = 0;
      this.#queue.settle(message);
      onBatch(message.commitSeconds);
    }
    this.#flush();
  }

  #logReports(reports: readonly Report[]): void {
    for (const { level, message, fields } of reports) this.#options.log[level](fields, message);
  }

  #failBatch(failure: BatchFailure): void {
    this.#queue.fail(failure);
    this.#failures += 1;
    this.#options.onBatch(undefined);
  }

  #restThen(next: () => void, backoff: BackoffOptions): void {
    const { random = Math.random } = this.#options;
    const end = () => {
      this.#rest = undefined;
      next();
    };
    this.#rest = setTimeout(end, backoffDelay(this.#failures, random(), 0, backoff));
  }

  #onLost(worker: Worker, reason: string): void {
    if (worker !== this.#worker) return;
    this.#forgetThread();
    clearTimeout(this.#patience);
    void worker.terminate();
    this.#options.log.error({ reason, path: this.#options.path }, 'the outbox is away');
    this.#failBatch('away');
    if (this.#onSettled) this.#onSettled();
    else if (!this.#rest) this.#restThen(() => this.open(), restartBackoff);
  }
}
