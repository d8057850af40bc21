/** What a core module asks for and offers: its imports, its exports and the names of its custom sections. */
import { createReader, type Reader, readSections } from './binary.ts';
import { readLimits } from './memory.ts';

export type CoreModule = {
  /** In order, functions and everything else alike. */
  readonly imports: readonly { readonly module: string; readonly name: string }[];
  readonly exports: readonly string[];
  readonly customSections: readonly string[];
};

const sectionId = { custom: 0, import: 2, export: 7 } as const;

/** @throws Truncated, or Error when an import is of a kind that does not exist */
export function readCoreModule(bytes: Uint8Array): CoreModule {
  const imports: { module: string; name: string }[] = [];
  const exports: string[] = [];
  const customSections: string[] = [];
  for (const { id, content } of readSections(bytes)) {
    const reader = createReader(content);
    if (id === sectionId.custom) customSections.push(reader.name());
    if (id === sectionId.import) {
      for (let left = reader.unsigned(); left > 0; left--) {
        imports.push({ module: reader.name(), name: reader.name() });
        skipImportType(reader);
      }
    }
    if (id === sectionId.export) {
      for (let left = reader.unsigned(); left > 0; left--) {
        exports.push(reader.name());
        reader.byte();
        reader.unsigned();
      }
    }
  }
  return { imports, exports, customSections };
}

function skipImportType(reader: Reader): void {
  const kind = reader.byte();
  switch (kind) {
    case 0: // function: type index
      reader.unsigned();
      return;
    case 1: // table
      skipValueType(reader);
      readLimits(reader);
      return;
    case 2: // memory
      readLimits(reader);
      return;
    case 3: // global: type, mutability
      skipValueType(reader);
      reader.byte();
      return;
    case 4: // tag: attribute, type index
      reader.byte();
      reader.unsigned();
      return;
    default:
      throw new Error(`an import of unknown kind ${kind}`);
  }
}

/** One byte, or `ref`/`ref null` followed by a heap type. */
function skipValueType(reader: Reader): void {
  const type = reader.byte();
  if (type === 0x63 || type === 0x64) reader.unsigned();
}
