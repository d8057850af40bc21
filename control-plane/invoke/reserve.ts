/** Reservations of calls in flight per agent: memory and a count. An entry vanishes with its last call. */

export type Held = { readonly bytes: number; readonly calls: number };

export type Reservations = {
  held(agentId: string): Held;
  /** Reserves `bytes` of an agent for one call; the returned function releases them, once. */
  take(agentId: string, bytes: number): () => void;
};

const nothing: Held = { bytes: 0, calls: 0 };

export function createReservations(): Reservations {
  const byAgent = new Map<string, { bytes: number; calls: number }>();
  return {
    held: (agentId) => byAgent.get(agentId) ?? nothing,
    take(agentId, bytes) {
      const held = byAgent.get(agentId) ?? { bytes: 0, calls: 0 };
      byAgent.set(agentId, held);
      held.bytes += bytes;
      held.calls += 1;
      let released = false;
      return () => {
        if (released) return;
        released = true;
        held.bytes -= bytes;
        held.calls -= 1;
        if (held.calls === 0 && byAgent.get(agentId) === held) byAgent.delete(agentId);
      };
    },
  };
}
