/** A listener: it receives the events of one trigger of any type. */
import type { TriggerState } from '../function/triggers.ts';

/** The state of listening. The intake knows what happened to the events after that. */
export type ListenerState = Pick<TriggerState, 'state' | 'since' | 'lastMessage' | 'next' | 'error'> & {
  readonly received: number;
  readonly dropped: number;
};

export type Listener = {
  readonly state: ListenerState;
  /**
   * Resolves when the listener sends no more events. Idempotent.
   * @param forget true when the trigger will not come back: the broker must then keep nothing for it
   */
  stop(forget: boolean): Promise<void>;
  /**
   * Ends the listener at once, even while it stops, because another listener may take its place. After `cut` the
   * listener acknowledges no message and opens no connection. The broker gives unacknowledged messages to the next
   * listener.
   */
  cut(): void;
};
