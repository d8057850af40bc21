/** How many of what a core module has, and what it does with its memory: what one needs to know to add to it. */
import { createReader, type Reader, readSections } from './binary.ts';
import { NotKnown, numberTypes, walkExpression } from './instructions.ts';
import { readLimits } from './memory.ts';

/** Sections of a core module (core specification, 5.5). */
export const ids = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  memory: 5,
  global: 6,
  export: 7,
  code: 10,
} as const;
export const kinds = { function: 0, table: 1, memory: 2, global: 3 } as const;
export const opcodes = { call: 0x10, memorySize: 0x3f, memoryGrow: 0x40 } as const;

export type Shape = {
  readonly types: number;
  readonly importedFunctions: number;
  readonly functions: number;
  readonly importedGlobals: number;
  readonly globals: number;
  readonly memory: 'none' | 'own' | 'imported';
  /** It has instructions for the size of its memory. */
  readonly grows: boolean;
};

/** @throws NotKnown when the module has something that is not known here */
export function readShape(module: Uint8Array): Shape {
  let types = 0;
  let functions = 0;
  let globals = 0;
  let memory = 'none' as Shape['memory'];
  let grows = false;
  const imported = [0, 0, 0, 0];
  for (const { id, content } of readSections(module)) {
    const reader = createReader(content);
    if (id === ids.type) types = each(reader, () => skipFunctionType(reader));
    if (id === ids.import) {
      each(reader, () => {
        const kind = skipImport(reader);
        imported[kind] = (imported[kind] ?? 0) + 1;
        if (kind === kinds.memory) memory = 'imported';
      });
    }
    if (id === ids.function) functions = reader.unsigned();
    if (id === ids.memory && reader.unsigned() > 0) {
      if (memory === 'imported') throw new NotKnown('a second memory');
      memory = 'own';
    }
    if (id === ids.global) globals = reader.unsigned();
    if (id === ids.code) {
      eachBody(reader, (body) => {
        walkBody(body, (opcode) => {
          grows ||= opcode === opcodes.memorySize || opcode === opcodes.memoryGrow;
        });
      });
    }
  }
  const [importedFunctions = 0, , , importedGlobals = 0] = imported;
  return { types, importedFunctions, functions, importedGlobals, globals, memory, grows };
}

/** Locals, then the instructions. @throws NotKnown */
export function walkBody(body: Uint8Array, visit: (opcode: number, start: number, end: number) => void): void {
  const reader = createReader(body);
  each(reader, () => {
    reader.unsigned();
    numberType(reader);
  });
  walkExpression(reader, visit);
}

/** Bodies of a code section. */
export function eachBody(reader: Reader, visit: (body: Uint8Array) => void): void {
  each(reader, () => visit(reader.bytes()));
}

function skipFunctionType(reader: Reader): void {
  if (reader.byte() !== 0x60) throw new NotKnown('a type that is no function');
  each(reader, () => numberType(reader));
  each(reader, () => numberType(reader));
}

/** @returns its kind */
function skipImport(reader: Reader): number {
  reader.name();
  reader.name();
  const kind = reader.byte();
  if (kind === kinds.function) reader.unsigned();
  else if (kind === kinds.table || kind === kinds.memory) {
    if (kind === kinds.table) reader.byte();
    readLimits(reader);
  } else if (kind === kinds.global) {
    numberType(reader);
    reader.byte();
  } else throw new NotKnown(`an import of kind ${kind}`);
  return kind;
}

function numberType(reader: Reader): void {
  const type = reader.byte();
  if (!numberTypes.has(type)) throw new NotKnown(`type 0x${type.toString(16)}`);
}

/** @returns how many there were */
export function each(reader: Reader, read: () => void): number {
  const count = reader.unsigned();
  for (let left = count; left > 0; left--) read();
  return count;
}
