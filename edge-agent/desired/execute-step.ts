/** Carries out the steps of a reconciliation, one by one. */

import type { Runner } from '../runner/calls/call.ts';
import type { AgentStore } from '../storage/store.ts';
import type { Functions } from './active-functions.ts';
import type { Step } from './diff.ts';
import type { Fetcher } from './fetch-bundle.ts';
import type { DesiredState } from './reconcile.ts';

/** @returns a function that carries out a step; it rejects with `code_unavailable` or `function_load_failed` */
export function createExecutor(
  store: AgentStore,
  functions: Functions,
  fetcher: Fetcher,
  runner: Pick<Runner, 'load' | 'unload'>,
): (step: Step, target: DesiredState) => Promise<void> {
  return async (step, target) => {
    switch (step.kind) {
      case 'deactivate':
        return functions.deactivate(step.function);
      case 'fetch':
        // Two functions can share a bundle; the first one's step has fetched it.
        return store.hasBundle(step.digest) ? undefined : fetcher.fetch(step.digest);
      case 'load':
        return runner.load(step.digest);
      case 'activate':
        return functions.activate(step.to);
      case 'collect': {
        const serving = [...functions.active.values()].map((fn) => fn.bundle);
        const coming = target.functions.map((fn) => fn.bundle);
        const keep = new Set([...serving, ...coming]);
        for (const digest of store.keepOnly(keep)) runner.unload(digest);
        return;
      }
    }
  };
}
