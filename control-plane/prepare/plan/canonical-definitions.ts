/**
 * Reads the canonical definitions of a component (component model, Binary.md, `canon`): lifts of core functions, lowers
 * of host functions, and drops of handles. Any other built-in throws `NotFlat`.
 */
import type { CoreExport, HostFunction } from '@skerry/shared/function/linked-plan.ts';
import type { Reader } from '../wasm/binary.ts';
import { expectByte, expectKnown, NotFlat } from './component-types.ts';
import { coreSort, expectCoreExport, type IndexSpaces, type Lift } from './index-spaces.ts';

const canonKinds = { lift: 0x00, lower: 0x01, resourceDrop: 0x03 } as const;
const canonOptions = { utf8: 0x00, memory: 0x03, realloc: 0x04, postReturn: 0x05 } as const;

export function readCanonicalDefinition(reader: Reader, spaces: IndexSpaces): void {
  switch (reader.byte()) {
    case canonKinds.lift:
      expectByte(reader.byte(), 0x00);
      readLift(reader, spaces);
      return;
    case canonKinds.lower:
      expectByte(reader.byte(), 0x00);
      readLower(reader, spaces);
      return;
    case canonKinds.resourceDrop:
      readResourceDrop(reader, spaces);
      return;
    default:
      throw new NotFlat();
  }
}

function readLift(reader: Reader, spaces: IndexSpaces): void {
  const core = expectCoreExport(spaces.core[coreSort.function][reader.unsigned()]);
  const { postReturn, ...options } = readOptions(reader, spaces);
  const type = expectKnown(spaces.types[reader.unsigned()]);
  if (type.kind !== 'function') throw new NotFlat();
  const lift: Lift = { core, type: type.type, options, ...(postReturn && { postReturn }) };
  spaces.functions.push({ kind: 'lifted', lift });
}

function readLower(reader: Reader, spaces: IndexSpaces): void {
  const lowered = expectKnown(spaces.functions[reader.unsigned()]);
  if (lowered.kind !== 'imported') throw new NotFlat();
  const { postReturn: _, ...options } = readOptions(reader, spaces);
  const { interface: interfaceName, name, type } = lowered;
  const suspends = spaces.suspending.has(`${interfaceName}#${name}`);
  addHostFunction(spaces, { interface: interfaceName, function: name, type, options, suspends });
}

function readResourceDrop(reader: Reader, spaces: IndexSpaces): void {
  const type = expectKnown(spaces.types[reader.unsigned()]);
  if (type.kind !== 'resource') throw new NotFlat();
  addHostFunction(spaces, { drop: type.resource });
}

function addHostFunction({ core, plan }: IndexSpaces, hostFunction: HostFunction): void {
  core[coreSort.function].push({ host: plan.host.push(hostFunction) - 1 });
}

function readOptions(reader: Reader, { core }: IndexSpaces) {
  let memory: CoreExport | undefined;
  let realloc: CoreExport | undefined;
  let postReturn: CoreExport | undefined;
  reader.vector(() => {
    const option = reader.byte();
    if (option === canonOptions.utf8) return; // the default as well
    const index = reader.unsigned();
    if (option === canonOptions.memory) memory = expectCoreExport(core[coreSort.memory][index]);
    else if (option === canonOptions.realloc) realloc = expectCoreExport(core[coreSort.function][index]);
    else if (option === canonOptions.postReturn) postReturn = expectCoreExport(core[coreSort.function][index]);
    else throw new NotFlat();
  });
  return { ...(memory && { memory }), ...(realloc && { realloc }), ...(postReturn && { postReturn }) };
}
