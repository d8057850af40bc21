/** What listens for one trigger, whatever its type. */
import type { TriggerState } from '../function/triggers.ts';

/** How it is, as far as listening goes; what became of its events is known where they are kept. */
export type ListenerState = Pick<TriggerState, 'state' | 'since' | 'lastMessage' | 'next' | 'error'> & {
  readonly received: number;
  readonly dropped: number;
};

export type Listener = {
  readonly state: ListenerState;
  /**
   * Resolves when nothing comes from it any more. Idempotent.
   * @param forget it will not come back: the broker shall keep nothing for it
   */
  stop(forget: boolean): Promise<void>;
  /**
   * Another one may listen in its place from now on: ends it at once, also while it stops. Nothing is acknowledged and
   * nobody is connected to after it; what the broker has no answer to, it gives to the next one.
   */
  cut(): void;
};
