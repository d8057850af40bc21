/**
 * wasi:io/poll: the resource `pollable`, and `poll`. Both wait through JSPI. They return at once when there is nothing
 * to wait for, so that a component in `plain` mode may use them on streams that never wait.
 */
import { type CallSignal, type Gate, openGate, waitForAny } from './gate.ts';

/**
 * Maximum number of pollables in one `poll`. WIT says that a list over 2^32 traps; the memory would be full long
 * before.
 */
const longestList = 100_000;

/** The gate of a pollable that the guest constructed itself. */
const always: { readonly gate: Gate; readonly signal: CallSignal } = { gate: openGate, signal: AbortSignal.any([]) };

export class Pollable {
  #wait = always;

  static of(gate: Gate, signal: CallSignal): Pollable {
    const pollable = new Pollable();
    pollable.#wait = { gate, signal };
    return pollable;
  }

  ready(): boolean {
    return this.#wait.gate.isOpen();
  }

  block(): void | Promise<void> {
    const { gate, signal } = this.#wait;
    if (!gate.isOpen()) return waitForAny([gate], signal);
  }

  /** @throws Error when the list is empty or too long; it ends the guest, as WIT prescribes */
  static poll(list: readonly Pollable[]): Uint32Array | Promise<Uint32Array> {
    const [first] = list;
    if (!first || list.length > longestList) throw new Error(`a poll of ${list.length} pollables`);
    const ready = readyOf(list);
    if (ready.length > 0) return ready;
    const gates = list.map((pollable) => pollable.#wait.gate);
    return waitForAny(gates, first.#wait.signal).then(() => readyOf(list));
  }
}

function readyOf(list: readonly Pollable[]): Uint32Array {
  const indices: number[] = [];
  for (const [index, pollable] of list.entries()) if (pollable.ready()) indices.push(index);
  return Uint32Array.from(indices);
}

/** wasi:io/poll in the form that jco's glue imports. */
export const poll = { Pollable, poll: Pollable.poll };
