/** Counts the entries of a core module and its uses of memory, as code that appends to the module needs them. */
import { createReader, type Reader, readSections } from './binary.ts';
import { coreSections, externKinds, opcodes } from './core-format.ts';
import { NotKnown, readNumberType, walkExpression } from './instructions.ts';
import { readLimits } from './memory.ts';

export type ModuleShape = {
  readonly types: number;
  readonly importedFunctions: number;
  readonly functions: number;
  readonly importedGlobals: number;
  readonly globals: number;
  readonly memory: 'none' | 'own' | 'imported';
  /** True when the module has instructions that read or change the size of its memory. */
  readonly grows: boolean;
};

/** @throws NotKnown for a construct that is not known here */
export function readModuleShape(module: Uint8Array): ModuleShape {
  let types = 0;
  let functions = 0;
  let globals = 0;
  let memory = 'none' as ModuleShape['memory'];
  let grows = false;
  const imported = [0, 0, 0, 0];
  for (const { id, content } of readSections(module)) {
    const reader = createReader(content);
    if (id === coreSections.type) types = reader.vector(() => skipFunctionType(reader)).length;
    if (id === coreSections.import) {
      reader.vector(() => {
        const kind = skipImport(reader);
        imported[kind] = (imported[kind] ?? 0) + 1;
        if (kind === externKinds.memory) memory = 'imported';
      });
    }
    if (id === coreSections.function) functions = reader.unsigned();
    if (id === coreSections.memory && reader.unsigned() > 0) {
      if (memory === 'imported') throw new NotKnown('a second memory');
      memory = 'own';
    }
    if (id === coreSections.global) globals = reader.unsigned();
    if (id === coreSections.code) {
      for (const body of readBodies(reader)) {
        walkBody(body, (opcode) => {
          grows ||= opcode === opcodes.memorySize || opcode === opcodes.memoryGrow;
        });
      }
    }
  }
  const [importedFunctions = 0, , , importedGlobals = 0] = imported;
  return { types, importedFunctions, functions, importedGlobals, globals, memory, grows };
}

/**
 * Walks over a function body: its locals, which must be numbers, then its instructions.
 * @returns the reader after the expression
 * @throws NotKnown
 */
export function walkBody(body: Uint8Array, visit?: (opcode: number, start: number, end: number) => void): Reader {
  const reader = createReader(body);
  reader.vector(() => {
    reader.unsigned();
    readNumberType(reader);
  });
  walkExpression(reader, visit);
  return reader;
}

/** Reads the function bodies of a code section. */
export function readBodies(reader: Reader): Uint8Array[] {
  return reader.vector(() => reader.bytes());
}

function skipFunctionType(reader: Reader): void {
  if (reader.byte() !== 0x60) throw new NotKnown('a type that is no function');
  reader.vector(() => readNumberType(reader));
  reader.vector(() => readNumberType(reader));
}

/** @returns the kind of the import */
function skipImport(reader: Reader): number {
  reader.name();
  reader.name();
  const kind = reader.byte();
  if (kind === externKinds.function) reader.unsigned();
  else if (kind === externKinds.table || kind === externKinds.memory) {
    if (kind === externKinds.table) reader.byte();
    readLimits(reader);
  } else if (kind === externKinds.global) {
    readNumberType(reader);
    reader.byte();
  } else throw new NotKnown(`an import of kind ${kind}`);
  return kind;
}
