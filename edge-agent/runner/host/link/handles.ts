/**
 * The handles of one instance: numbers for resources of the host. A number from the guest is hostile: an unknown
 * number, or one of a resource of another kind, ends the guest.
 */

/** Maximum number of handles of one instance. */
const maxHandles = 100_000;

type Entry = { readonly resource: number; readonly object: object };

export class Handles {
  /** The index is the number; 0 is never used (CanonicalABI.md, `Table`). */
  #entries: (Entry | undefined)[] = [undefined];
  #free: number[] = [];

  /** @throws Error when there are too many */
  add(resource: number, object: object): number {
    const number = this.#free.pop() ?? this.#entries.length;
    if (number > maxHandles) throw new Error(`more than ${maxHandles} handles`);
    this.#entries[number] = { resource, object };
    return number;
  }

  /** @throws Error when there is no such handle */
  get(resource: number, number: number): object {
    const entry = this.#entries[number];
    if (entry?.resource !== resource) throw new Error(`unknown handle ${number}`);
    return entry.object;
  }

  /** The guest gives the resource away. @throws Error when there is no such handle */
  take(resource: number, number: number): object {
    const object = this.get(resource, number);
    this.#entries[number] = undefined;
    this.#free.push(number);
    return object;
  }

  /** @throws Error when there is no such handle */
  drop(resource: number, number: number): void {
    dispose(this.take(resource, number));
  }

  /** Drops all handles, newest first, so that a resource goes before the one that it was made from. */
  clear(): void {
    if (this.#entries.length === 1) return;
    const left = this.#entries.slice(1).reverse();
    this.#entries = [undefined];
    this.#free = [];
    for (const entry of left) if (entry) dispose(entry.object);
  }
}

function dispose(object: object): void {
  (object as Partial<Disposable>)[Symbol.dispose]?.();
}
