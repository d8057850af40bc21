/**
 * Sends the agent's status to the control plane: at the interval that it requested, and soon after a trigger has come
 * up or has begun to fail, so that its author sees it.
 *
 * Invariant: a status that cannot be sent costs one log line. The next one repairs it.
 */

import type { TriggerState } from '@skerry/shared/function/triggers.ts';
import type { FrameOf, ToControl } from '@skerry/shared/tunnel/protocol.ts';
import type { Logger } from 'pino';

export type Status = {
  /** The tunnel is up. @param intervalMs time between two regular reports */
  start(intervalMs: number): void;
  stop(): void;
};

type StatusOptions = {
  readonly frame: () => FrameOf<ToControl, 'status'>;
  /** @throws CodecError when the frame cannot be sent */
  readonly send: (frame: FrameOf<ToControl, 'status'>) => void;
  readonly triggers: () => readonly TriggerState[];
  readonly log: Logger;
};

/** How often the triggers are checked, in milliseconds. */
const lookMs = 500;

export function createStatus({ frame, send, triggers, log }: StatusOptions): Status {
  let periodic: NodeJS.Timeout | undefined;
  let looking: NodeJS.Timeout | undefined;
  let told = '';

  const tell = () => {
    try {
      send(frame());
    } catch (error) {
      log.error({ err: error }, 'the status cannot be sent');
    }
  };
  const look = () => {
    const now = JSON.stringify(triggers().map(({ id, state, error }) => [id, state, error]));
    if (now === told) return;
    told = now;
    tell();
  };
  const stop = () => {
    clearInterval(periodic);
    clearInterval(looking);
  };

  return {
    start(intervalMs) {
      stop();
      told = '';
      periodic = setInterval(tell, intervalMs);
      looking = setInterval(look, lookMs);
    },
    stop,
  };
}
