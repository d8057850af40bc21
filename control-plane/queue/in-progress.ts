/**
 * The invocations that are in this control plane's hands: claimed, and not yet settled. None is there twice, whatever
 * the queue says.
 */
import { SkerryError } from '@skerry/shared/errors.ts';

export type InProgress = {
  readonly ids: ReadonlySet<string>;
  /** For one that is claimed, and not begun yet. */
  reserve(id: string): void;
  release(id: string): void;
  /** Takes one up until the work is over; begins with an aborted signal when it was ended before. */
  run<T>(id: string, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Resolves when it is not there any more. */
  settled(id: string): Promise<void>;
  /** Ends it, because somebody cancelled it; false when it is not here. */
  cancel(id: string): boolean;
  /** Ends all, because this control plane goes: others shall run them. */
  abortAll(): void;
};

/** Reason of a signal when this control plane goes, and the invocation is for others to run. */
export class Aborted extends SkerryError {
  constructor() {
    super('cancelled', 'the control plane stops');
    this.name = 'Aborted';
  }
}

/** Reason of a signal when the invocation was cancelled: its row says so already. */
export class Cancelled extends SkerryError {
  constructor() {
    super('cancelled', 'the invocation was cancelled');
    this.name = 'Cancelled';
  }
}

export function createInProgress(): InProgress {
  type Held = { readonly controller: AbortController; over: Promise<unknown> | undefined };
  const held = new Map<string, Held>();
  const reserve = (id: string): Held => {
    const one = { controller: new AbortController(), over: undefined };
    held.set(id, one);
    return one;
  };
  return {
    get ids() {
      return new Set(held.keys());
    },
    reserve(id) {
      if (!held.has(id)) reserve(id);
    },
    release: (id) => void held.delete(id),
    async run(id, work) {
      const one = held.get(id) ?? reserve(id);
      if (one.over) throw new Error(`invocation ${id} is in hand already`);
      const result = work(one.controller.signal);
      one.over = result.catch(() => undefined);
      try {
        return await result;
      } finally {
        if (held.get(id) === one) held.delete(id);
      }
    },
    async settled(id) {
      await held.get(id)?.over;
    },
    cancel(id) {
      const one = held.get(id);
      one?.controller.abort(new Cancelled());
      return one !== undefined;
    },
    abortAll() {
      for (const { controller } of held.values()) controller.abort(new Aborted());
    },
  };
}
