/**
 * The functions that serve on this agent, and the invocations that wait for one to arrive.
 *
 * Invariant: a function that is active here is active in the store, so that a restart without a network serves the same
 * functions.
 */
import { SkerryError } from '@skerry/shared/errors.ts';
import type { ApplyError, DesiredFunction } from '@skerry/shared/tunnel/protocol.ts';
import type { AgentStore } from '../storage/store.ts';

export type Functions = {
  readonly active: ReadonlyMap<string, DesiredFunction>;
  activate(fn: DesiredFunction): void;
  deactivate(functionId: string): void;
  /** The functions that must arrive or stay; invocations of them may wait. */
  expect(functionIds: Iterable<string>): void;
  /** This function could not be applied; its waiting invocations get the reason. */
  failed(error: ApplyError): void;
  /**
   * The function in its current form, as soon as there is one. Rejects with `code_unavailable` when this agent must not
   * hold it or when the signal aborts, or with the reason why it could not be applied.
   */
  ready(functionId: string, signal: AbortSignal): Promise<DesiredFunction>;
};

type Waiter = { resolve: (fn: DesiredFunction) => void; reject: (error: SkerryError) => void };

/** @param onChange called when a function was activated, replaced or removed */
export function createFunctions(
  store: Pick<AgentStore, 'activeFunctions' | 'activate' | 'deactivate'>,
  onChange: (functionId: string, change: 'activated' | 'deactivated') => void = () => {},
): Functions {
  const active = new Map(store.activeFunctions().map((fn) => [fn.id, fn]));
  const failures = new Map<string, ApplyError>();
  const waiters = new Map<string, Set<Waiter>>();
  let expected = new Set(active.keys());

  const settle = (functionId: string, finish: (waiter: Waiter) => void) => {
    const waiting = waiters.get(functionId);
    waiters.delete(functionId);
    for (const waiter of waiting ?? []) finish(waiter);
  };
  const unavailable = (message: string) => new SkerryError('code_unavailable', message);

  const wait = (functionId: string, signal: AbortSignal) =>
    new Promise<DesiredFunction>((resolve, reject) => {
      const onAbort = () => {
        waiters.get(functionId)?.delete(waiter);
        reject(unavailable('the code did not arrive within the deadline'));
      };
      const done = <T>(finish: (value: T) => void) => {
        return (value: T) => {
          signal.removeEventListener('abort', onAbort);
          finish(value);
        };
      };
      const waiter = { resolve: done(resolve), reject: done(reject) };
      const waiting = waiters.get(functionId) ?? new Set();
      waiters.set(functionId, waiting.add(waiter));
      signal.addEventListener('abort', onAbort);
    });

  return {
    active,
    activate(fn) {
      store.activate(fn);
      active.set(fn.id, fn);
      failures.delete(fn.id);
      onChange(fn.id, 'activated');
      settle(fn.id, (waiter) => waiter.resolve(fn));
    },
    deactivate(functionId) {
      store.deactivate(functionId);
      active.delete(functionId);
      onChange(functionId, 'deactivated');
    },
    expect(functionIds) {
      expected = new Set(functionIds);
      failures.clear();
      for (const id of waiters.keys()) {
        if (!expected.has(id)) settle(id, (waiter) => waiter.reject(unavailable('the function was deleted')));
      }
    },
    failed(error) {
      failures.set(error.function, error);
      settle(error.function, (waiter) => waiter.reject(new SkerryError(error.code, error.message)));
    },
    ready(functionId, signal) {
      const fn = active.get(functionId);
      if (fn) return Promise.resolve(fn);
      const failure = failures.get(functionId);
      if (failure) return Promise.reject(new SkerryError(failure.code, failure.message));
      if (!expected.has(functionId)) return Promise.reject(unavailable('this agent does not hold that function'));
      return wait(functionId, signal);
    },
  };
}
