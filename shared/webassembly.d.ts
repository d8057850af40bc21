/** The part of the WebAssembly JavaScript API that Skerry uses. Node's types leave it to the types of the DOM. */
declare namespace WebAssembly {
  /** Compiled code. Can be posted to another thread. */
  class Module {
    /** Compiles synchronously. Throws CompileError. */
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
    /** A bigint for an i64, a number for other types. */
    value: number | bigint;
  }
  class Instance {
    constructor(module: Module, imports?: object);
    readonly exports: Readonly<Record<string, unknown>>;
  }
  class RuntimeError extends Error {}
  /** An import that may return a promise: the guest is suspended until the promise settles (JSPI). */
  class Suspending {
    constructor(work: (...values: never[]) => unknown);
  }
  /** Wraps an export so that its caller gets a promise. Needed when the export calls a `Suspending` import. */
  function promising<Values extends unknown[], Result>(
    exported: (...values: Values) => Result,
  ): (...values: Values) => Promise<Result>;
  function compile(bytes: Uint8Array<ArrayBuffer>): Promise<Module>;
}
