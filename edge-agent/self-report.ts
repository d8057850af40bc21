/** The agent's report of itself to the control plane: its load, its hello and its status. */
import { type FrameOf, protocolVersion, signedBytes, type ToControl } from '@skerry/shared/tunnel/protocol.ts';
import type { AgentConfig } from './config.ts';
import type { Reconciler } from './desired/reconcile.ts';
import type { CircuitBreaker } from './invoke/circuit-breaker.ts';
import type { Load } from './invoke/tunnel-calls.ts';
import type { Memory } from './memory.ts';
import type { Outbox } from './outbox/outbox.ts';
import type { Runner } from './runner/calls/call.ts';
import type { Identity } from './storage/identity.ts';
import type { Triggers } from './triggers/triggers.ts';
import type { Hello } from './tunnel/dial.ts';
import { agentVersion } from './version.ts';

/** Most functions in one status frame. */
const maxHeldReported = 1_000;
/** Most triggers in one status frame. */
const maxTriggersReported = 1_000;

type SelfReport = {
  /** The memory that is available, and the calls that run or wait in a thread, at this moment. */
  readLoad(): Load;
  /** Makes the first frame of a tunnel. Its signature covers the control plane's nonce and the host that was dialled. */
  makeHello(nonce: Uint8Array, host: string): Hello;
  /** Makes a status frame: at most 1,000 functions that the circuit breaker holds back, and at most 1,000 triggers. */
  makeStatus(): FrameOf<ToControl, 'status'>;
};

type SelfReportOptions = {
  readonly config: Pick<AgentConfig, 'name' | 'labels' | 'joinToken'>;
  readonly identity: Pick<Identity, 'publicKey' | 'sign'>;
  readonly memory: Memory;
  readonly runner: Pick<Runner, 'stats'>;
  readonly reconciler: Pick<Reconciler, 'applied'>;
  readonly circuitBreaker: Pick<CircuitBreaker, 'held'>;
  readonly outbox: Pick<Outbox, 'state'>;
  readonly triggers: Pick<Triggers, 'states'>;
};

export function createSelfReport(options: SelfReportOptions): SelfReport {
  const { config, identity, memory, runner, reconciler, circuitBreaker, outbox, triggers } = options;

  const readLoad = () => {
    const { running, parked } = runner.stats();
    return { memoryAvailable: memory.available(), running: running + parked };
  };

  return {
    readLoad,
    makeHello: (nonce, host) => ({
      kind: 'hello',
      version: protocolVersion,
      publicKey: identity.publicKey,
      signature: identity.sign(signedBytes(nonce, host)),
      host,
      name: config.name,
      labels: config.labels,
      agentVersion,
      ...(config.joinToken && { joinToken: config.joinToken }),
      memoryTotal: memory.total,
      ...readLoad(),
    }),
    makeStatus() {
      const outboxState = outbox.state();
      return {
        kind: 'status',
        generation: reconciler.applied,
        queued: runner.stats().queued,
        held: circuitBreaker.held().slice(0, maxHeldReported),
        ...(outboxState && { outbox: outboxState }),
        triggers: triggers.states().slice(0, maxTriggersReported),
        ...readLoad(),
      };
    },
  };
}
