/** Routes each frame of the control plane to the part of the agent that handles its kind. */
import type { ToControl } from '@skerry/shared/tunnel/protocol.ts';
import type { Logger } from 'pino';
import { createDesiredParts } from './desired/assemble.ts';
import type { Fetcher } from './desired/fetch-bundle.ts';
import type { Reconciler } from './desired/reconcile.ts';
import type { InvocationGate } from './invoke/invocation-gate.ts';
import type { TunnelCalls } from './invoke/tunnel-calls.ts';
import type { Logs } from './logs/logs.ts';
import type { Metrics } from './metrics.ts';
import type { Outbox } from './outbox/outbox.ts';
import type { ControlFrame } from './tunnel/dial.ts';

type FrameRouterOptions = {
  readonly reconciler: Pick<Reconciler, 'setTarget'>;
  readonly fetcher: Pick<Fetcher, 'keepOnly' | 'onChunk' | 'onUnavailable'>;
  readonly outbox: Pick<Outbox, 'keepOnly' | 'onRecorded'>;
  readonly calls: Pick<TunnelCalls, 'invoke' | 'body' | 'credit'>;
  readonly gate: Pick<InvocationGate, 'cancel'>;
  readonly logs: Pick<Logs, 'last'>;
  readonly metrics: Pick<Metrics, 'text'>;
  readonly send: (frame: ToControl) => void;
  readonly log: Logger;
};

/** @returns a function that takes the frames of the tunnel, in their order */
export function createFrameRouter(options: FrameRouterOptions): (frame: ControlFrame) => void {
  const { reconciler, fetcher, outbox, calls, gate, logs, metrics, send, log } = options;
  const parts = createDesiredParts();

  const takeDesired = (frame: Extract<ControlFrame, { kind: 'desired' }>) => {
    const target = parts.add(frame);
    if (!target) return;
    reconciler.setTarget(target);
    outbox.keepOnly(target.functions);
    fetcher.keepOnly(new Set(target.functions.map((fn) => fn.bundle)));
  };
  const sendMetrics = async (id: Extract<ControlFrame, { kind: 'scrape' }>['id']) => {
    try {
      send({ kind: 'metrics', id, text: await metrics.text() });
    } catch (error) {
      log.error({ err: error }, 'the metrics cannot be sent');
    }
  };

  return (frame) => {
    switch (frame.kind) {
      case 'desired':
        return takeDesired(frame);
      case 'chunk':
        return fetcher.onChunk(frame);
      case 'unavailable':
        return fetcher.onUnavailable(frame);
      case 'invoke':
        return calls.invoke(frame);
      case 'body':
        return calls.body(frame);
      case 'credit':
        return calls.credit(frame);
      case 'cancel':
        return gate.cancel(frame.id);
      case 'logs':
        return send({ kind: 'lines', id: frame.id, lines: logs.last(frame.function, frame.limit) });
      case 'scrape':
        return void sendMetrics(frame.id);
      case 'recorded':
        return outbox.onRecorded(frame);
      case 'drain':
        // The tunnel itself handles the drain (tunnel/supervisor.ts).
        return;
    }
  };
}
