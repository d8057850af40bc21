/**
 * The agent's side of the thread that has the outbox's file: collects operations during a commit, sends them together,
 * and distributes the answers.
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
  AnswerOf,
  BatchFailure,
  Failure,
  FileState,
  FromOutboxThread,
  Operation,
  PendingOfTrigger,
  Report,
  ThreadSettings,
} from '../storage/operations.ts';
import { batchLength, bytesOf, packBatch } from './packing.ts';

export type OperationAnswer<Asked extends Operation> =
  | { readonly done: true; readonly answer: AnswerOf<Asked> }
  /** Nothing of it was stored, or with `away` it is unknown. The only failure of a necessary write is `refused`. */
  | { readonly done: false; readonly failure: Failure };

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
const usualOpenMs = 600_000;
/**
 * Most operations, and bytes, that may wait for their commit. A further event is refused as if the file were full, and
 * so are those after it until the next commit, so that none overtakes it.
 */
const maxWaiting = 10_000;
const maxWaitingBytes = 32 * 1024 * 1024;
const usualIdleMs = 10_000;
const restartBackoff = { baseMs: 200, capMs: 30_000 };
const fullBackoff = { baseMs: 200, capMs: 5_000 };

type Entry = {
  readonly operation: Operation;
  readonly bytes: number;
  onAnswer(answer: OperationAnswer<Operation>): void;
};

/** Operations that no other part keeps. */
const must: ReadonlySet<Operation['do']> = new Set(['failed', 'end', 'forget', 'set-aside', 'keep-only']);

export function createOutboxClient(options: ClientOptions): OutboxClient {
  const {
    script,
    path,
    limitBytes,
    log,
    random = Math.random,
    onOpened,
    onBatch,
    isNeeded,
    idleMs = usualIdleMs,
    openMs = usualOpenMs,
  } = options;
  let queue: Entry[] = [];
  let underWay: Entry[] = [];
  let bytes = 0;
  /** An event was refused because too many operations wait. */
  let crowded = false;
  let lastSeq = 0;
  let worker: Worker | undefined;
  let opened = false;
  let state: FileState | undefined;
  /** Damaged rows that earlier threads found. */
  let damagedBefore = 0;
  let failures = 0;
  let deferred = false;
  let rest: NodeJS.Timeout | undefined;
  let patience: NodeJS.Timeout | undefined;
  let idle: NodeJS.Timeout | undefined;
  let closing: (() => void) | undefined;
  let closed = false;

  const refuse = (entries: readonly Entry[], failure: BatchFailure) => {
    for (const entry of entries) {
      bytes -= entry.bytes;
      entry.onAnswer({ done: false, failure });
    }
  };

  /** Takes back the batch in progress: necessary writes stay, everything else is refused. */
  const failed = (failure: BatchFailure) => {
    crowded = false;
    const all = [...underWay, ...queue];
    underWay = [];
    queue = all.filter(({ operation }) => must.has(operation.do));
    refuse(
      all.filter(({ operation }) => !must.has(operation.do)),
      failure,
    );
    failures += 1;
    onBatch(undefined);
  };

  const flush = () => {
    deferred = false;
    if (!worker || !opened || underWay.length > 0 || rest) return;
    if (queue.length === 0) return settle();
    underWay = queue.splice(0, batchLength(queue));
    const batch = packBatch(underWay.map(({ operation }) => operation));
    clearTimeout(idle);
    patience = setTimeout(() => lost(worker, 'it did not answer in time'), patienceMs);
    worker.postMessage(batch, [batch.bytes]);
  };

  const restThen = (next: () => void, backoff: BackoffOptions) => {
    const end = () => {
      rest = undefined;
      next();
    };
    rest = setTimeout(end, backoffDelay(failures, random(), 0, backoff));
  };

  /** Operations that are submitted within one turn of the event loop go together. */
  const flushSoon = () => {
    if (deferred || underWay.length > 0) return;
    deferred = true;
    setImmediate(flush);
  };

  const forgetThread = () => {
    worker = undefined;
    opened = false;
    damagedBefore += state?.damaged ?? 0;
    if (state) state = { ...state, damaged: 0 };
  };

  const settle = () => {
    if (closing) return closing();
    clearTimeout(idle);
    if (isNeeded() || !state || state.events + state.outcomes > 0) return;
    idle = setTimeout(end, idleMs).unref();
  };
  const end = () => {
    if (underWay.length + queue.length > 0 || isNeeded()) return;
    const ended = worker;
    forgetThread();
    ended?.postMessage('close');
  };

  const tell = (reports: readonly Report[]) => {
    for (const { level, message, fields } of reports) log[level](fields, message);
  };

  const onMessage = (message: FromOutboxThread) => {
    clearTimeout(patience);
    if (message.kind === 'opened') {
      tell(message.reports);
      opened = true;
      state = message.state;
      lastSeq = state.lastSeq;
      onOpened(message.pending);
      return flush();
    }
    if (message.kind === 'failed') {
      log.error({ failure: message.failure, path }, 'the outbox has no room on the disk');
      failed(message.failure);
      restThen(flush, fullBackoff);
      return;
    }
    failures = 0;
    crowded = false;
    state = message.state;
    lastSeq = state.lastSeq;
    tell(message.reports);
    const answered = underWay;
    underWay = [];
    for (const [index, entry] of answered.entries()) {
      bytes -= entry.bytes;
      if (message.refused.includes(index)) entry.onAnswer({ done: false, failure: 'refused' });
      else entry.onAnswer({ done: true, answer: message.answers[index] as never });
    }
    onBatch(message.commitSeconds);
    flush();
  };

  const lost = (which: Worker | undefined, reason: string) => {
    if (!which || which !== worker) return;
    forgetThread();
    clearTimeout(patience);
    void which.terminate();
    log.error({ reason, path }, 'the outbox is away');
    failed('away');
    if (closing) return closing();
    if (!rest) restThen(open, restartBackoff);
  };

  const open = () => {
    if (worker || rest || closed) return;
    const started = new Worker(script, {
      workerData: { path, limitBytes, seqAfter: lastSeq } satisfies ThreadSettings,
      resourceLimits: { maxOldGenerationSizeMb: 96, maxYoungGenerationSizeMb: 2 },
      execArgv: [],
    });
    worker = started;
    patience = setTimeout(() => lost(started, `its file was not open after ${openMs} ms`), openMs).unref();
    started.on('message', (message: FromOutboxThread) => {
      if (started === worker) onMessage(message);
    });
    started.on('error', (error: unknown) => lost(started, error instanceof Error ? error.message : String(error)));
    started.on('exit', () => lost(started, 'its thread ended'));
    started.unref();
  };

  return {
    submit(operation, onAnswer = () => undefined) {
      const size = bytesOf(operation);
      const entry: Entry = { operation, bytes: size, onAnswer: onAnswer as Entry['onAnswer'] };
      if (!must.has(operation.do)) {
        if (closed) return void setImmediate(() => entry.onAnswer({ done: false, failure: 'away' }));
        if (rest) return void setImmediate(() => entry.onAnswer({ done: false, failure: worker ? 'full' : 'away' }));
        if (operation.do === 'record') {
          crowded ||= queue.length >= maxWaiting || bytes + size > maxWaitingBytes;
          if (crowded) return void setImmediate(() => entry.onAnswer({ done: false, failure: 'full' }));
        }
      }
      bytes += size;
      queue.push(entry);
      open();
      flushSoon();
    },
    open,
    get state() {
      return state && { ...state, damaged: state.damaged + damagedBefore };
    },
    get waiting() {
      return queue.length + underWay.length;
    },
    get waitingBytes() {
      return bytes;
    },
    async close(deadlineMs) {
      closed = true;
      clearTimeout(rest);
      clearTimeout(idle);
      rest = undefined;
      if (!worker) return queue.length;
      const ending = worker;
      // From the start: a thread that is lost meanwhile ends only once.
      const ended = new Promise<void>((resolve) => ending.once('exit', () => resolve()));
      const settled = Promise.withResolvers<void>();
      closing = settled.resolve;
      const timer = setTimeout(closing, deadlineMs);
      ending.ref();
      flushSoon();
      await settled.promise;
      clearTimeout(timer);
      const left = queue.length + underWay.length;
      worker = undefined;
      clearTimeout(rest);
      clearTimeout(patience);
      ending.postMessage('close');
      const cut = setTimeout(() => void ending.terminate(), deadlineMs);
      await ended;
      clearTimeout(cut);
      return left;
    },
  };
}
