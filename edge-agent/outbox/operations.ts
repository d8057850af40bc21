/** What the agent asks of the thread that has the outbox's file, and what comes back. Types only. */
import type { NewEvent } from '@skerry/shared/intake.ts';
import type { RecordedOutcome } from '@skerry/shared/protocol.ts';

/** An event that is on disk and has no outcome yet. */
export type KeptEvent = Pick<NewEvent, 'trigger' | 'function' | 'origin' | 'input' | 'createdAt'> & {
  /** Place in the order in which events came and outcomes were had; never given twice while the thread lives. */
  readonly seq: number;
  readonly id: string;
  /** The id was given by whoever named the event, so that the event may come again. */
  readonly named: boolean;
  /** How often it was tried. */
  readonly attempts: number;
  /** Not to be tried before; in milliseconds since the epoch, by the device's clock. */
  readonly notBefore: number;
};

/** An outcome that the control plane has not acknowledged yet. */
export type KeptOutcome = RecordedOutcome & { readonly seq: number };

export type RecordOperation = {
  readonly do: 'record';
  readonly event: NewEvent & { readonly id: string };
  readonly named: boolean;
  /** Events that give way to it. */
  readonly drop: readonly number[];
  /** Besides, the oldest of its trigger after this one gives way. */
  readonly dropAfter?: number | undefined;
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
  /** Events of other functions, and ticks of other triggers, go. */
  | { readonly do: 'keep-only'; readonly functions: readonly string[]; readonly triggers: readonly string[] }
  | { readonly do: 'last-tick'; readonly trigger: string }
  | { readonly do: 'set-last-tick'; readonly trigger: string; readonly moment: number };

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
  readonly end: undefined;
  readonly outcomes: { readonly outcomes: readonly KeptOutcome[]; readonly more: boolean };
  readonly forget: undefined;
  readonly 'set-aside': undefined;
  /** Events that went, by trigger. */
  readonly 'keep-only': { readonly dropped: Readonly<Record<string, number>> };
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
  /** When the oldest event or outcome came in, as of about a second ago; undefined when there is none. */
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
      readonly state: FileState;
      /** Seconds that the commit took; undefined when nothing was written. */
      readonly commitSeconds: number | undefined;
      readonly reports: readonly Report[];
    }
  | { readonly kind: 'failed'; readonly failure: BatchFailure; readonly reports: readonly Report[] };

export type PendingOfTrigger = { readonly trigger: string; readonly function: string; readonly events: number };

export type ThreadSettings = {
  readonly path: string;
  /** Bytes that events and outcomes may have together; see limits in file.ts. */
  readonly limitBytes: number;
};
