/**
 * Makes the growth of a memory something that can be put back. A memory never shrinks, so an instance whose memory has
 * grown could not be reset (state.ts), and most toolchains' allocators grow it in every call.
 *
 * The size that the guest sees becomes a global: `memory.size` reads it, `memory.grow` raises it, and the memory itself
 * grows only when it is smaller than that. Reset puts the global back like any other, and fills what is beyond with
 * zeroes, which is what growing has to give.
 *
 * What differs for the guest: between its size and the memory's own it may read and write where it would have trapped.
 * It finds zeroes there, and what it writes is gone with the call; nothing of an earlier call is to be seen.
 *
 * Invariant: a module that does not consist of what is known here is left alone, and so is every other of its plan.
 */
import type { CoreExport } from '@skerry/shared/linked-plan.ts';
import {
  createReader,
  preambleBytes,
  type Reader,
  readSections,
  type Section,
  Truncated,
  unsignedBytes,
  writeSections,
} from './binary.ts';
import { NotKnown, walkExpression } from './instructions.ts';
import { each, eachBody, ids, kinds, opcodes, type Shape, shapeOf, walkBody } from './module-shape.ts';

/** Exports of the module that has the memory. */
const names = { grow: 'skerry:grow', size: 'skerry:size' } as const;
/** Where the others import them from. */
const importModule = 'skerry';

type Import = { readonly module: string; readonly name: string; readonly from: CoreExport | { readonly host: number } };
type Plan = { readonly instances: readonly { readonly module: string; readonly imports: readonly Import[] }[] };
type NamedModule = { readonly name: string; readonly bytes: Uint8Array };

/** @returns plan and modules changed; undefined when nothing grows, or when something is not known */
export function virtualizeGrowth<P extends Plan>(
  plan: P,
  modules: readonly NamedModule[],
): { plan: P; modules: NamedModule[] } | undefined {
  try {
    const shapes = new Map(modules.map(({ name, bytes }) => [name, shapeOf(bytes)]));
    const used = plan.instances.map(({ module }) => known(shapes.get(module)));
    const owners = used.flatMap((shape, instance) => (shape.memory === 'own' ? [instance] : []));
    const [owner] = owners;
    if (owner === undefined || owners.length > 1 || !used.some(({ grows }) => grows)) return undefined;
    const added = [names.grow, names.size].map((name) => ({
      module: importModule,
      name,
      from: { instance: owner, name },
    }));
    const takes = (index: number) => used[index]?.memory === 'imported' && used[index]?.grows === true;
    return {
      plan: {
        ...plan,
        instances: plan.instances.map(({ module, imports }, index) => ({
          module,
          imports: takes(index) ? [...imports, ...added] : imports,
        })),
      },
      modules: modules.map(({ name, bytes }) => {
        const shape = known(shapes.get(name));
        if (shape.memory === 'own') return { name, bytes: rewrite(bytes, shape, withOwn) };
        return {
          name,
          bytes: shape.memory === 'imported' && shape.grows ? rewrite(bytes, shape, withImported) : bytes,
        };
      }),
    };
  } catch (error) {
    if (error instanceof NotKnown || error instanceof Truncated) return undefined;
    throw error;
  }
}

/** What a module becomes: where its functions are, what stands for the two instructions, and what is added. */
type Change = {
  /** Added to the index of each function from this one on. */
  readonly shift: number;
  readonly grow: readonly number[];
  readonly size: readonly number[];
  readonly imports: readonly number[][];
  readonly functions: readonly number[][];
  readonly globals: readonly number[][];
  readonly exports: readonly number[][];
  readonly bodies: readonly number[][];
};

const i32 = 0x7f;
/** [i32] -> [i32] and [] -> [i32]. */
const growType = [0x60, 1, i32, 1, i32];
const sizeType = [0x60, 0, 1, i32];

function withOwn({ types, importedFunctions, functions, importedGlobals, globals, pages }: Shape): Change {
  const growIndex = importedFunctions + functions;
  const pagesGlobal = unsignedBytes(importedGlobals + globals);
  const size = [0x23, ...pagesGlobal];
  return {
    shift: 0,
    grow: [opcodes.call, ...unsignedBytes(growIndex)],
    size,
    imports: [],
    functions: [unsignedBytes(types), unsignedBytes(types + 1)],
    globals: [[i32, 1, 0x41, ...signedBytes(pages), 0x0b]],
    exports: [
      [...nameBytes(names.grow), kinds.function, ...unsignedBytes(growIndex)],
      [...nameBytes(names.size), kinds.function, ...unsignedBytes(growIndex + 1)],
    ],
    bodies: [growBody(pagesGlobal), [0, ...size, 0x0b]],
  };
}

function withImported({ types, importedFunctions }: Shape): Change {
  return {
    shift: 2,
    grow: [opcodes.call, ...unsignedBytes(importedFunctions)],
    size: [opcodes.call, ...unsignedBytes(importedFunctions + 1)],
    imports: [
      [...nameBytes(importModule), ...nameBytes(names.grow), kinds.function, ...unsignedBytes(types)],
      [...nameBytes(importModule), ...nameBytes(names.size), kinds.function, ...unsignedBytes(types + 1)],
    ],
    functions: [],
    globals: [],
    exports: [],
    bodies: [],
  };
}

/** Raises the global by the argument, and the memory as far as it is smaller; -1 when that is not possible. */
function growBody(pages: readonly number[]): number[] {
  const [argument, before, after] = [0, 1, 2];
  const fail = [0x04, 0x40, 0x41, 0x7f, 0x0f, 0x0b]; // if: return -1
  return [
    ...[1, 2, i32], // two locals
    ...[0x23, ...pages, 0x22, before, 0x20, argument, 0x6a, 0x22, after], // after = (before = pages) + argument
    ...[0x20, before, 0x49, ...fail], // after < before: more than there are numbers
    ...[0x20, after, 0x3f, 0, 0x4b, 0x04, 0x40], // if after > memory.size
    ...[0x20, after, 0x3f, 0, 0x6b, 0x40, 0, 0x41, 0x7f, 0x46, ...fail], // memory.grow by the difference
    ...[0x0b, 0x20, after, 0x24, ...pages, 0x20, before, 0x0b],
  ];
}

function rewrite(module: Uint8Array, shape: Shape, changeOf: (shape: Shape) => Change): Uint8Array {
  const change = changeOf(shape);
  const moved = (index: number) => (index >= shape.importedFunctions ? index + change.shift : index);
  const sections = readSections(module)
    .filter(({ id }) => id !== ids.custom)
    .map((section) => ({ id: section.id, content: rewriteSection(section, change, moved) }));
  if (change.globals.length > 0 && !sections.some(({ id }) => id === ids.global)) {
    const at = sections.findIndex(({ id }) => id >= ids.export);
    sections.splice(at, 0, { id: ids.global, content: vector([], 0, change.globals) });
  }
  return writeSections(module.subarray(0, preambleBytes), sections);
}

function rewriteSection({ id, content }: Section, change: Change, moved: (index: number) => number): Uint8Array {
  const reader = createReader(content);
  const append = (items: readonly (readonly number[])[]) => {
    const count = reader.unsigned();
    return vector(content.subarray(reader.position), count, items);
  };
  switch (id) {
    case ids.type:
      return append([growType, sizeType]);
    case ids.import:
      return append(change.imports);
    case ids.function:
      return append(change.functions);
    case ids.global:
      return append(change.globals);
    case ids.export:
      return vector([], 0, [...exportsOf(reader, moved), ...change.exports]);
    case ids.start:
      return Uint8Array.from(unsignedBytes(moved(reader.unsigned())));
    case ids.element:
      return change.shift === 0 ? content : vector([], 0, elementsOf(reader, moved));
    case ids.code: {
      const bodies: number[][] = [];
      eachBody(reader, (body) => bodies.push(rewriteBody(body, change, moved)));
      return vector(
        [],
        0,
        [...bodies, ...change.bodies].map((body) => [...unsignedBytes(body.length), ...body]),
      );
    }
    default:
      return content;
  }
}

function exportsOf(reader: Reader, moved: (index: number) => number): number[][] {
  return list(reader, () => {
    const name = nameBytes(reader.name());
    const kind = reader.byte();
    const index = reader.unsigned();
    return [...name, kind, ...unsignedBytes(kind === kinds.function ? moved(index) : index)];
  });
}

/** Segments of function indices: active ones of table 0, passive and declared ones. @throws NotKnown for expressions */
function elementsOf(reader: Reader, moved: (index: number) => number): number[][] {
  return list(reader, () => {
    const flags = reader.unsigned();
    if (flags > 3) throw new NotKnown('element segments of expressions');
    const bytes = [flags];
    if (flags === 2) bytes.push(...unsignedBytes(reader.unsigned()));
    if (flags === 0 || flags === 2) {
      const offset: number[] = [];
      const start = reader.position;
      walkExpression(reader);
      const end = reader.position;
      for (const again = reader.at(start); again.position < end; ) offset.push(again.byte());
      bytes.push(...offset);
    }
    if (flags !== 0) bytes.push(reader.byte());
    const functions = list(reader, () => unsignedBytes(moved(reader.unsigned())));
    return [...bytes, ...unsignedBytes(functions.length), ...functions.flat()];
  });
}

function rewriteBody(body: Uint8Array, { grow, size }: Change, moved: (index: number) => number): number[] {
  const parts: number[] = [];
  let copied = 0;
  const put = (start: number, end: number, bytes: readonly number[]) => {
    for (let at = copied; at < start; at++) parts.push(body[at] ?? 0);
    for (const byte of bytes) parts.push(byte);
    copied = end;
  };
  walkBody(body, (opcode, start, end) => {
    if (opcode === opcodes.memorySize) put(start, end, size);
    else if (opcode === opcodes.memoryGrow) put(start, end, grow);
    else if (opcode === opcodes.call) {
      put(start, end, [opcodes.call, ...unsignedBytes(moved(createReader(body, start + 1).unsigned()))]);
    }
  });
  put(body.byteLength, body.byteLength, []);
  return parts;
}

function list<T>(reader: Reader, read: () => T): T[] {
  const items: T[] = [];
  each(reader, () => items.push(read()));
  return items;
}

/** `count` items that are bytes already, and some more. */
function vector(there: ArrayLike<number>, count: number, more: readonly (readonly number[])[]): Uint8Array {
  return Uint8Array.from(
    Buffer.concat([
      Uint8Array.from(unsignedBytes(count + more.length)),
      Uint8Array.from(there),
      ...more.map((item) => Uint8Array.from(item)),
    ]),
  );
}

function nameBytes(name: string): number[] {
  const bytes = Buffer.from(name);
  return [...unsignedBytes(bytes.byteLength), ...bytes];
}

/** Signed LEB128 of a number that is not negative. */
function signedBytes(value: number): number[] {
  const bytes = unsignedBytes(value);
  const last = bytes.at(-1) ?? 0;
  return last < 0x40 ? bytes : [...bytes.slice(0, -1), last | 0x80, 0x00];
}

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new NotKnown('a module that is not there');
  return value;
}
