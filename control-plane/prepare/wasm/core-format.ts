/** Numbers of the binary format of core modules (WebAssembly core specification, section 5). */

/** Ids of sections. `last` is the highest id of WebAssembly 2.0. */
export const coreSections = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  code: 10,
  last: 12,
} as const;

/** Kinds of imports and exports. */
export const externKinds = { function: 0, table: 1, memory: 2, global: 3, tag: 4 } as const;

export const valueTypes = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c } as const;

export const opcodes = { call: 0x10, memorySize: 0x3f, memoryGrow: 0x40 } as const;
