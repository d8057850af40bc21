/** The resource `directory-entry-stream`: the entries at the time of its creation. */
import type { DirectoryEntry } from './node.ts';

/** Returns undefined (`none`) after the last. */
export class DirectoryEntryStream {
  #entries: Iterator<DirectoryEntry> = [].values();

  static of(entries: readonly DirectoryEntry[]): DirectoryEntryStream {
    const stream = new DirectoryEntryStream();
    stream.#entries = entries.values();
    return stream;
  }

  readDirectoryEntry(): DirectoryEntry | undefined {
    return this.#entries.next().value;
  }
}
