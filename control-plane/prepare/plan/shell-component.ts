/**
 * Reads a shell: the component that toolchains put around an exported interface, to name the interface's types in it.
 * It imports functions and types, and exports them again under the interface's names. It contains no code.
 */
import { createReader, readSections } from '../wasm/binary.ts';
import { expectByte, expectKnown, NotFlat, readExternName } from './component-types.ts';

/** For the name of each exported function, the name under which the shell imports that function. */
export type Shell = ReadonlyMap<string, string>;

const sectionIds = { custom: 0, type: 7, import: 10, export: 11 } as const;
const sort = { function: 0x01, type: 0x03 } as const;

/** @throws NotFlat when the component contains more than imports and exports */
export function readShell(component: Uint8Array): Shell {
  const functions: string[] = [];
  const shell = new Map<string, string>();
  for (const { id, content } of readSections(component)) {
    const reader = createReader(content);
    switch (id) {
      case sectionIds.custom:
      case sectionIds.type: // jco has validated the types
        break;
      case sectionIds.import:
        reader.vector(() => {
          const name = readExternName(reader);
          const kind = reader.byte();
          expectByte(kind, sort.function, sort.type);
          if (kind === sort.function) {
            functions.push(name);
            reader.unsigned();
          } else if (reader.byte() === 0x00) reader.unsigned();
        });
        break;
      case sectionIds.export:
        reader.vector(() => {
          const name = readExternName(reader);
          const kind = reader.byte();
          const index = reader.unsigned();
          expectByte(kind, sort.function, sort.type);
          if (kind === sort.function) {
            const from = expectKnown(functions[index]);
            shell.set(name, from);
            functions.push(from);
          }
          if (reader.byte() === 0x00) return;
          const ascribedSort = reader.byte();
          if (ascribedSort !== sort.type || reader.byte() === 0x00) reader.unsigned();
        });
        break;
      default:
        throw new NotFlat();
    }
  }
  return shell;
}
