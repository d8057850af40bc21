/**
 * The component that toolchains put around an exported interface, so that the interface's types are named in it: it
 * imports functions and types, and exports them again under the interface's names. It runs nothing.
 */
import { createReader, readSections } from '../wasm/binary.ts';
import { expect, known, NotFlat, readExternName, times } from './component-types.ts';

/** What each exported function is, by the name under which it was imported. */
export type Shell = ReadonlyMap<string, string>;

const sectionIds = { custom: 0, type: 7, import: 10, export: 11 } as const;
const sort = { function: 0x01, type: 0x03 } as const;

/** @throws NotFlat when there is more to it */
export function readShell(component: Uint8Array): Shell {
  const functions: string[] = [];
  const shell = new Map<string, string>();
  for (const { id, content } of readSections(component)) {
    const reader = createReader(content);
    switch (id) {
      case sectionIds.custom:
      case sectionIds.type: // validated with the component
        break;
      case sectionIds.import:
        times(reader, () => {
          const name = readExternName(reader);
          const kind = reader.byte();
          expect(kind, sort.function, sort.type);
          if (kind === sort.function) {
            functions.push(name);
            reader.unsigned();
          } else if (reader.byte() === 0x00) reader.unsigned();
        });
        break;
      case sectionIds.export:
        times(reader, () => {
          const name = readExternName(reader);
          const kind = reader.byte();
          const index = reader.unsigned();
          expect(kind, sort.function, sort.type);
          if (kind === sort.function) {
            const from = known(functions[index]);
            shell.set(name, from);
            functions.push(from);
          }
          if (reader.byte() === 0x00) return;
          const described = reader.byte(); // ascribed a type
          if (described !== sort.type || reader.byte() === 0x00) reader.unsigned();
        });
        break;
      default:
        throw new NotFlat();
    }
  }
  return shell;
}
