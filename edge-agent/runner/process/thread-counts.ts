/** Counts the threads of the runner's processes: those of the current process, and those that ended early in any. */

export class ThreadCounts {
  #current = { threads: 0, ended: 0 };
  #endedInEarlierProcesses = 0;

  /** Threads of the current process. */
  get threads(): number {
    return this.#current.threads;
  }

  /** Threads that ended early, in all processes so far. */
  get ended(): number {
    return this.#endedInEarlierProcesses + this.#current.ended;
  }

  /** Takes the counts that the current process reports. `ended` counts since the start of that process. */
  update(threads: number, ended: number): void {
    this.#current = { threads, ended };
  }

  /** Starts from zero threads, because the current process is gone. */
  forgetProcess(): void {
    this.#endedInEarlierProcesses += this.#current.ended;
    this.#current = { threads: 0, ended: 0 };
  }
}
