/**
 * Determines the kind of an upload from its outer structure, and refuses wrong files with messages of our own before
 * any tool reads them.
 */
import { preambleBytes, readSections, Truncated } from './wasm/binary.ts';
import { rejected } from './wasm/refusal.ts';

/** `component`: a component of the current binary version. `module`: a core module. */
type UploadKind = 'component' | 'module';

const magic = [0x00, 0x61, 0x73, 0x6d];
const coreVersion = 1;
const componentVersion = 0x0d;
/** Section ids of a component that contain code: core modules, instances, components and canonical functions. */
const runnableSections = new Set([1, 2, 4, 5, 8]);

/** @throws SkerryError `component_rejected` */
export function inspect(upload: Uint8Array): UploadKind {
  if (upload.byteLength === 0) throw rejected('the upload is empty');
  if (magic.some((byte, index) => upload[index] !== byte)) {
    throw rejected('not WebAssembly: the file does not start with the bytes "\\0asm"');
  }
  if (upload.byteLength < preambleBytes) throw rejected('truncated: the file ends within its first 8 bytes');
  const view = new DataView(upload.buffer, upload.byteOffset, preambleBytes);
  const version = view.getUint16(4, true);
  const layer = view.getUint16(6, true);
  if (layer === 0) {
    if (version !== coreVersion) throw rejected(`a core module of binary version ${version}; version 1 is accepted`);
    readUploadSections(upload);
    return 'module';
  }
  if (layer !== 1 || version !== componentVersion) {
    throw rejected(
      `a component of the old binary version 0x${version.toString(16)}; 0x${componentVersion.toString(16)} is accepted: build it with a current toolchain`,
    );
  }
  const sections = readUploadSections(upload);
  if (!sections.some(({ id }) => runnableSections.has(id))) {
    throw rejected('a WIT package, which has interfaces but no code; upload the component that implements them');
  }
  return 'component';
}

function readUploadSections(upload: Uint8Array) {
  try {
    return readSections(upload);
  } catch (error) {
    if (error instanceof Truncated) throw rejected('truncated: the file ends in the middle of a section');
    throw error;
  }
}
