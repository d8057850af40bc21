/** The part of the WebAssembly JavaScript API that Skerry uses; Node's types leave it to the DOM's. */
declare namespace WebAssembly {
  /** Compiled code; may be posted to another thread. */
  class Module {
    /** Compiles at once. Throws CompileError. */
    constructor(bytes: Uint8Array<ArrayBuffer>);
    private readonly module: true;
  }
  class Memory {
    readonly buffer: ArrayBuffer;
    /** Throws RangeError when the memory is at its maximum. */
    grow(pages: number): number;
  }
  class Global {
    /** Of an i64 a bigint. */
    value: number | bigint;
  }
  class Instance {
    constructor(module: Module, imports?: object);
    readonly exports: Readonly<Record<string, unknown>>;
  }
  class RuntimeError extends Error {}
  function compile(bytes: Uint8Array<ArrayBuffer>): Promise<Module>;
}
