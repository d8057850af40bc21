/**
 * wasi:io/poll: the resource `pollable`, and `poll`. Both wait through JSPI; when nothing has to be waited for they
 * return at once, so that a component in `plain` mode may use them on streams that never wait.
 */
import { type CallSignal, type Gate, openGate, waitForAny } from './gate.ts';

/** Pollables in one `poll`, at most. WIT says that a list over 2^32 traps; memory would be gone long before. */
const longestList = 100_000;

/** What one made by nobody waits for: nothing. */
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

  /** @throws Error when the list is empty or too long, which ends the guest as WIT has it */
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

/** wasi:io/poll, as jco asks for it. */
export const poll = { Pollable, poll: Pollable.poll };
