/** The operations of the thread that has the outbox's file, and their answers. Types only. */
import type { NewEvent } from '@skerry/shared/events/intake.ts';
import type { RecordedOutcome } from '@skerry/shared/tunnel/protocol.ts';

/** An event on disk without an outcome. */
export type KeptEvent = Omit<NewEvent, 'tick' | 'invalid'> & {
  /** Place in the order of events and outcomes; never used twice while the agent lives. */
  readonly seq: number;
  /** How often it was tried. */
  readonly attempts: number;
  /** Not to be tried before this time; in milliseconds since the epoch, by the device's clock. */
  readonly notBefore: number;
};

/** An outcome that the control plane has not acknowledged yet. */
export type KeptOutcome = RecordedOutcome & { readonly seq: number };

export type RecordOperation = {
  readonly do: 'record';
  readonly event: NewEvent;
  /** Events to drop for it, as many as are needed; none if it finds no room even so. */
  readonly drop: readonly number[];
  /** If that is not enough, the oldest of its trigger after this one. */
  readonly dropAfter?: number | undefined;
  /** Events of a trigger that arrived together: when one of them is refused, so are those after it. */
  readonly wave: number;
};

export type Operation =
  | RecordOperation
  /** The first events of a trigger after this one. */
  | { readonly do: 'events'; readonly trigger: string; readonly after: number; readonly limit: Limit }
  /** An attempt failed, and there will be another. */
  | { readonly do: 'failed'; readonly seq: number; readonly attempts: number; readonly notBefore: number }
  /** The event has its outcome, and is no longer an event. */
  | { readonly do: 'end'; readonly seq: number; readonly named: boolean; readonly outcome: RecordedOutcome }
  /** The first outcomes after this one. */
  | { readonly do: 'outcomes'; readonly after: number; readonly limit: Limit }
  /** The control plane has these. */
  | { readonly do: 'forget'; readonly seqs: readonly number[] }
  /** These cannot be sent. */
  | { readonly do: 'set-aside'; readonly seqs: readonly number[] }
  | KeepOnlyOperation
  | { readonly do: 'last-tick'; readonly trigger: string }
  | { readonly do: 'set-last-tick'; readonly trigger: string; readonly moment: number };

/** Deletes ticks of other triggers, and turns some events of other functions into dead letters, piece by piece. */
export type KeepOnlyOperation = {
  readonly do: 'keep-only';
  readonly functions: readonly string[];
  readonly triggers: readonly string[];
  /** Running events: they will soon have an outcome of their own. */
  readonly except: readonly number[];
  /** Where the previous piece ended; 0 for the first. */
  readonly after: number;
  readonly limit: Limit;
  /** Time of the dead letters; in milliseconds since the epoch. */
  readonly now: number;
};

/** Rows of one answer: at most this number, and this number of bytes, but at least one. */
export type Limit = { readonly rows: number; readonly bytes: number };

/** The answers, by operation. */
export type Answers = {
  readonly record: {
    readonly kept: 'recorded' | 'known' | 'full';
    readonly seq: number;
    readonly dropped: readonly number[];
  };
  readonly events: { readonly events: readonly KeptEvent[]; readonly more: boolean; readonly damaged: number };
  readonly failed: undefined;
  /** Whether the event was still there. */
  readonly end: boolean;
  readonly outcomes: {
    readonly outcomes: readonly KeptOutcome[];
    /** Number of the last row that was read, including damaged ones; the requested one where there was none. */
    readonly after: number;
    readonly more: boolean;
  };
  readonly forget: undefined;
  readonly 'set-aside': undefined;
  readonly 'keep-only': {
    /** Events that became dead letters, and damaged rows, by trigger. */
    readonly ended: Readonly<Record<string, number>>;
    readonly damaged: Readonly<Record<string, number>>;
    readonly after: number;
    readonly more: boolean;
  };
  readonly 'last-tick': number | undefined;
  readonly 'set-last-tick': undefined;
};
export type AnswerOf<Asked extends Operation> = Answers[Asked['do']];

/** The fill level of the file. */
export type FileState = {
  readonly events: number;
  readonly outcomes: number;
  /** Of all of them, including the overhead of rows. */
  readonly bytes: number;
  /** Damaged rows found since the thread began. */
  readonly damaged: number;
  /** The last number that was given to an event or an outcome. */
  readonly lastSeq: number;
  /** When the oldest event or outcome arrived; undefined when there is none. */
  readonly oldest: number | undefined;
};

/** A message for the operator; the agent's thread logs it. */
export type Report = {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
};

/**
 * Why a batch was not done: `full` when the disk or the file has no room, `away` when the file cannot be written for
 * another reason. Nothing of it counts.
 */
export type BatchFailure = 'full' | 'away';

/** Also for one operation alone: SQLite refuses it, and would refuse it the next time. */
export type Failure = BatchFailure | 'refused';

export type FromOutboxThread =
  | {
      readonly kind: 'opened';
      readonly state: FileState;
      /** Events by trigger, with the function of each. */
      readonly pending: readonly PendingOfTrigger[];
      readonly reports: readonly Report[];
    }
  | {
      readonly kind: 'done';
      readonly answers: readonly unknown[];
      /** Places of the refused operations, whose answers mean nothing. */
      readonly refused: readonly number[];
      readonly state: FileState;
      /** Seconds that the commit took; undefined when nothing was written. */
      readonly commitSeconds: number | undefined;
      readonly reports: readonly Report[];
    }
  | { readonly kind: 'failed'; readonly failure: BatchFailure; readonly reports: readonly Report[] };

export type PendingOfTrigger = { readonly trigger: string; readonly function: string; readonly events: number };

export type ThreadSettings = {
  readonly path: string;
  /** Largest size of events and outcomes in bytes; see limits.ts. */
  readonly limitBytes: number;
  /** The last number that an earlier thread used. */
  readonly seqAfter: number;
};
