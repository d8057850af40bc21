/** wasi:cli/exit: ends the guest from inside. */

/** Thrown into the guest. A guest that can catch it has not ended, and goes on. */
export class Exit extends Error {
  /** 0: success. */
  readonly code: number;

  constructor(code: number) {
    super(`exited with code ${code}`);
    this.name = 'Exit';
    this.code = code;
  }
}

export const exit = {
  exit(status: { readonly tag: 'ok' | 'err' }): never {
    throw new Exit(status.tag === 'ok' ? 0 : 1);
  },
  exitWithCode(code: number): never {
    throw new Exit(code);
  },
};
