/** What the agent asks of the thread that has the outbox's file, and what comes back. Types only. */
import type { NewEvent } from '@skerry/shared/events/intake.ts';
import type { RecordedOutcome } from '@skerry/shared/tunnel/protocol.ts';

/** An event that is on disk and has no outcome yet. */
export type KeptEvent = Omit<NewEvent, 'tick' | 'invalid'> & {
  /** Place in the order in which events came and outcomes were had; never given twice while the agent lives. */
  readonly seq: number;
  /** How often it was tried. */
  readonly attempts: number;
  /** Not to be tried before; in milliseconds since the epoch, by the device's clock. */
  readonly notBefore: number;
};

/** An outcome that the control plane has not acknowledged yet. */
export type KeptOutcome = RecordedOutcome & { readonly seq: number };

export type RecordOperation = {
  readonly do: 'record';
  readonly event: NewEvent;
  /** Events that give way to it, as many as are needed; none if it finds no room even so. */
  readonly drop: readonly number[];
  /** Besides, if that is not enough, the oldest of its trigger after this one. */
  readonly dropAfter?: number | undefined;
  /** Events of a trigger that came together: when one of them is refused, so are those after it. */
  readonly wave: number;
};

export type Operation =
  | RecordOperation
  /** The first events of a trigger after this one. */
  | { readonly do: 'events'; readonly trigger: string; readonly after: number; readonly limit: Limit }
  /** An attempt failed, and there will be another. */
  | { readonly do: 'failed'; readonly seq: number; readonly attempts: number; readonly notBefore: number }
  /** The event has its outcome, and is an event no more. */
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

/** Ticks of other triggers go, and some events of other functions become dead letters: a piece of the way at a time. */
export type KeepOnlyOperation = {
  readonly do: 'keep-only';
  readonly functions: readonly string[];
  readonly triggers: readonly string[];
  /** Events that run: they have an outcome of their own soon. */
  readonly except: readonly number[];
  /** Where the piece before this one ended; 0 for the first. */
  readonly after: number;
  readonly limit: Limit;
  /** When the dead letters came to be; in milliseconds since the epoch. */
  readonly now: number;
};

/** Rows of one answer: so many, and so many bytes, but at least one. */
export type Limit = { readonly rows: number; readonly bytes: number };

/** The answers, by what was asked. */
export type Answers = {
  readonly record: {
    readonly kept: 'recorded' | 'known' | 'full';
    readonly seq: number;
    readonly dropped: readonly number[];
  };
  readonly events: { readonly events: readonly KeptEvent[]; readonly more: boolean; readonly damaged: number };
  readonly failed: undefined;
  /** Whether the event was there still. */
  readonly end: boolean;
  readonly outcomes: {
    readonly outcomes: readonly KeptOutcome[];
    /** Number of the last row that was looked at, damaged ones too; what was asked for where there was none. */
    readonly after: number;
    readonly more: boolean;
  };
  readonly forget: undefined;
  readonly 'set-aside': undefined;
  readonly 'keep-only': {
    /** Events that became dead letters, and rows that were damaged, by trigger. */
    readonly ended: Readonly<Record<string, number>>;
    readonly damaged: Readonly<Record<string, number>>;
    readonly after: number;
    readonly more: boolean;
  };
  readonly 'last-tick': number | undefined;
  readonly 'set-last-tick': undefined;
};
export type AnswerOf<Asked extends Operation> = Answers[Asked['do']];

/** How full the file is. */
export type FileState = {
  readonly events: number;
  readonly outcomes: number;
  /** Of all of them, with what a row costs besides its content. */
  readonly bytes: number;
  /** Rows that were found damaged since the thread began. */
  readonly damaged: number;
  /** The last number that was given to an event or an outcome. */
  readonly lastSeq: number;
  /** When the oldest event or outcome came in; undefined when there is none. */
  readonly oldest: number | undefined;
};

/** Something that a human should know; the agent's thread logs it. */
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

/** Besides, one operation alone: SQLite does not take it, and would not the next time. */
export type Failure = BatchFailure | 'refused';

export type FromThread =
  | {
      readonly kind: 'opened';
      readonly state: FileState;
      /** Events by trigger, and the function that each of them is for. */
      readonly pending: readonly PendingOfTrigger[];
      readonly reports: readonly Report[];
    }
  | {
      readonly kind: 'done';
      readonly answers: readonly unknown[];
      /** Places of the operations that were refused; their answers mean nothing. */
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
  /** Bytes that events and outcomes may have together; see limits.ts. */
  readonly limitBytes: number;
  /** The last number that a thread before this one gave. */
  readonly seqAfter: number;
};
