/**
 * The state of an instance right after instantiation, and the way back to it: linear memories and globals. Only for
 * bundles whose preparation has proven that there is no other state (`DirectPlan.state`).
 *
 * Invariant: after `restore` has returned true, every byte and every global has its value at the time of the snapshot.
 * The exception is pages that the guest does not know of; they are zero.
 */

export type StatePart = WebAssembly.Memory | WebAssembly.Global;

/** In the order of the parts: the bytes of a memory, the value of a global. */
export type Snapshot = readonly (Uint8Array<ArrayBuffer> | number | bigint)[];

/** Size of a memory whose copy takes longer than a new instance, in bytes. */
const largest = 4 * 1024 * 1024;
const pageBytes = 65_536;

/** @returns undefined when the memory is so large that restoring does not pay */
export function takeSnapshot(state: readonly StatePart[]): Snapshot | undefined {
  let bytes = 0;
  for (const part of state) if (part instanceof WebAssembly.Memory) bytes += part.buffer.byteLength;
  if (bytes > largest) return undefined;
  return state.map((part) => (part instanceof WebAssembly.Memory ? new Uint8Array(part.buffer.slice(0)) : part.value));
}

/**
 * @param state of the instance of the snapshot, or of another instance of the same bundle
 * @param slack takes the pages by which the memory has grown (`DirectPlan.slack`); without it a memory that has grown
 *   cannot be restored
 * @returns false, and the instance must be dropped, when a memory has grown and cannot be restored, or when a new
 *   instance is cheaper
 */
export function restore(
  state: readonly StatePart[],
  snapshot: Snapshot,
  slack: WebAssembly.Global | undefined,
): boolean {
  let grown = 0;
  for (const [index, part] of state.entries()) {
    const saved = snapshot[index];
    if (part instanceof WebAssembly.Memory) {
      const bytes = new Uint8Array(part.buffer);
      if (!(saved instanceof Uint8Array) || bytes.byteLength > (slack ? largest : saved.byteLength)) return false;
      bytes.set(saved);
      bytes.fill(0, saved.byteLength);
      grown = (bytes.byteLength - saved.byteLength) / pageBytes;
    } else if (saved !== undefined && !(saved instanceof Uint8Array)) part.value = saved;
    else return false;
  }
  if (slack) slack.value = grown;
  return true;
}
