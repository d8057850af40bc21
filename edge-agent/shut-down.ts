/**
 * The order in which the agent ends. The control plane learns of it first. Triggers and the outbox then begin nothing
 * new, invocations get the drain time, and each part closes before the parts that it uses.
 */
import type { Reconciler } from './desired/reconcile.ts';
import type { InvocationGate } from './invoke/invocation-gate.ts';
import type { Outbox } from './outbox/outbox.ts';
import type { Runner } from './runner/calls/call.ts';
import type { AgentStore } from './storage/store.ts';
import type { Triggers } from './triggers/triggers.ts';
import type { Tunnel } from './tunnel/supervisor.ts';

type ShutDownOptions = {
  readonly tunnel: Pick<Tunnel, 'send' | 'stop'>;
  readonly triggers: Pick<Triggers, 'close'>;
  readonly outbox: Pick<Outbox, 'stop' | 'close'>;
  readonly gate: Pick<InvocationGate, 'drain' | 'active'>;
  readonly reconciler: Pick<Reconciler, 'stop'>;
  readonly runner: Pick<Runner, 'close'>;
  readonly store: Pick<AgentStore, 'close'>;
  /** Milliseconds that running invocations may still take. */
  readonly drainMs: number;
};

/** @returns the number of invocations that still ran after the drain time */
export async function shutDown(options: ShutDownOptions): Promise<number> {
  const { tunnel, triggers, outbox, gate, reconciler, runner, store, drainMs } = options;
  tunnel.send({ kind: 'drain' });
  const quiet = triggers.close();
  outbox.stop();
  await waitForDrain(gate, drainMs);
  const left = gate.active;
  // Outcomes of the last invocations leave with the next turn of the event loop.
  await new Promise((resolve) => setImmediate(resolve));
  tunnel.stop();
  reconciler.stop();
  await quiet;
  await outbox.close();
  await runner.close();
  store.close();
  return left;
}

/** Resolves when no invocation runs, and after `drainMs` at the latest. */
async function waitForDrain(gate: Pick<InvocationGate, 'drain'>, drainMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, drainMs);
  });
  await Promise.race([gate.drain(), timeUp]);
  clearTimeout(timer);
}
