/** Reads a core module's interface: its imports, its exports and the names of its custom sections. */
import { createReader, type Reader, readSections } from './binary.ts';
import { coreSections, externKinds } from './core-format.ts';
import { readLimits } from './memory.ts';

export type CoreModule = {
  /** Imports of all kinds, in order. */
  readonly imports: readonly { readonly module: string; readonly name: string }[];
  readonly exports: readonly string[];
  readonly customSections: readonly string[];
};

/** @throws Truncated, or Error when an import has an unknown kind */
export function readCoreModule(bytes: Uint8Array): CoreModule {
  const imports: { module: string; name: string }[] = [];
  const exports: string[] = [];
  const customSections: string[] = [];
  for (const { id, content } of readSections(bytes)) {
    const reader = createReader(content);
    if (id === coreSections.custom) customSections.push(reader.name());
    if (id === coreSections.import) {
      reader.vector(() => {
        imports.push({ module: reader.name(), name: reader.name() });
        skipImportType(reader);
      });
    }
    if (id === coreSections.export) {
      reader.vector(() => {
        exports.push(reader.name());
        reader.byte();
        reader.unsigned();
      });
    }
  }
  return { imports, exports, customSections };
}

function skipImportType(reader: Reader): void {
  const kind = reader.byte();
  switch (kind) {
    case externKinds.function: // type index
      reader.unsigned();
      return;
    case externKinds.table:
      skipValueType(reader);
      readLimits(reader);
      return;
    case externKinds.memory:
      readLimits(reader);
      return;
    case externKinds.global: // type, mutability
      skipValueType(reader);
      reader.byte();
      return;
    case externKinds.tag: // attribute, type index
      reader.byte();
      reader.unsigned();
      return;
    default:
      throw new Error(`an import of unknown kind ${kind}`);
  }
}

/** Skips one byte, or `ref`/`ref null` with the heap type after it. */
function skipValueType(reader: Reader): void {
  const type = reader.byte();
  if (type === 0x63 || type === 0x64) reader.unsigned();
}
