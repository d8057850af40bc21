/**
 * The invocations that this control plane processes: claimed, and not yet settled. None is there twice, regardless of
 * the queue.
 */
import { SkerryError } from '@skerry/shared/errors.ts';

export type InProgress = {
  readonly ids: ReadonlySet<string>;
  /** For a claimed invocation that has not begun. */
  reserve(id: string): void;
  release(id: string): void;
  /** Runs the work for one invocation; it begins with an aborted signal when the invocation was ended before. */
  run<T>(id: string, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Resolves when the invocation is no longer in progress. */
  settled(id: string): Promise<void>;
  /** Ends a cancelled invocation; false when it is not here. */
  cancel(id: string): boolean;
  /** Ends all, because this control plane stops: others will run them. */
  abortAll(): void;
};

/** Reason of a signal when this control plane stops, and another one will run the invocation. */
export class Aborted extends SkerryError {
  constructor() {
    super('cancelled', 'the control plane stops');
    this.name = 'Aborted';
  }
}

/** Reason of a signal when the invocation was cancelled: its row already says so. */
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
      if (one.over) throw new Error(`invocation ${id} is already in progress`);
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
