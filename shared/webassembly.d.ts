/** The part of the WebAssembly JavaScript API that Skerry uses; Node's types leave it to the DOM's. */
declare namespace WebAssembly {
  /** Compiled code; may be posted to another thread. */
  class Module {
    /** Compiles at once. Throws CompileError. */
    constructor(bytes: Uint8Array<ArrayBuffer>);
    private readonly module: true;
    static imports(module: Module): { readonly module: string; readonly name: string; readonly kind: string }[];
    static exports(module: Module): { readonly name: string; readonly kind: string }[];
  }
  class Memory {
    constructor(limits: { readonly initial: number; readonly maximum?: number });
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
  /** An import that may return a promise: the guest stands still until it is settled (JSPI). */
  class Suspending {
    constructor(work: (...values: never[]) => unknown);
  }
  /** An export whose caller gets a promise, because something that it calls is `Suspending`. */
  function promising<Values extends unknown[], Result>(
    exported: (...values: Values) => Result,
  ): (...values: Values) => Promise<Result>;
  function compile(bytes: Uint8Array<ArrayBuffer>): Promise<Module>;
}
