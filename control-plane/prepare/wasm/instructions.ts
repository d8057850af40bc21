/**
 * Walks over the instructions of an expression (WebAssembly core specification, 5.4), to prove that it changes only
 * memory and globals: it must not write to a table or drop a segment.
 *
 * The walk knows WebAssembly 1.0, sign extension, saturating conversions and bulk memory, on numbers. Anything else
 * throws `NotKnown`, whether it is harmless (SIMD) or not (references, exceptions, threads, garbage collection): a walk
 * that skips a single immediate wrongly proves nothing.
 *
 * Invariant: the module has been validated, so that every byte is an instruction or an immediate.
 */
import type { Reader } from './binary.ts';
import { valueTypes } from './core-format.ts';

/** Thrown for a construct that the walk does not know, or that changes a table or a segment. */
export class NotKnown extends Error {
  constructor(what: string) {
    super(`not known to be harmless: ${what}`);
    this.name = 'NotKnown';
  }
}

/** Skips the immediates of an opcode. */
type Immediates = (reader: Reader) => void;

const nothing: Immediates = () => {};
/** One LEB128 number of any size and sign: an index, a constant or a block type. */
const number: Immediates = (reader) => {
  while (reader.byte() >= 0x80);
};
const numbers =
  (count: number): Immediates =>
  (reader) => {
    for (let left = count; left > 0; left--) number(reader);
  };
const bytes =
  (count: number): Immediates =>
  (reader) => {
    for (let left = count; left > 0; left--) reader.byte();
  };
/** The labels of a br_table, and its default label. */
const labels: Immediates = (reader) => numbers(reader.unsigned() + 1)(reader);
/** Value types. Each must be a number type: reference types can take more than a byte. */
const types: Immediates = (reader) => {
  reader.vector(() => readNumberType(reader));
};
/** A block type: empty, one value type, or the index of a function type, which is a signed number >= 0. */
const blockType: Immediates = (reader) => {
  const first = reader.byte();
  if (first >= 0x80) number(reader);
  else if (first >= signBit && first !== emptyBlock && !numberTypes.has(first)) throw new NotKnown('a block type');
};
const emptyBlock = 0x40;
/** The sign bit in the first byte of a signed LEB128 number. */
const signBit = 0x40;
/** Alignment and offset. For any memory but the first, the alignment has a flag, and an index follows. */
const memoryArgument: Immediates = (reader) => {
  const alignment = reader.unsigned();
  if (alignment > maxAlignment) throw new NotKnown(`a memory argument with flags ${alignment}`);
  number(reader);
};
const maxAlignment = 3;

const numberTypes: ReadonlySet<number> = new Set(Object.values(valueTypes));

/** @throws NotKnown for any value type that is no number */
export function readNumberType(reader: Reader): number {
  const type = reader.byte();
  if (!numberTypes.has(type)) throw new NotKnown(`type 0x${type.toString(16)}`);
  return type;
}

const block = { end: 0x0b, openers: new Set([0x02, 0x03, 0x04]) } as const;
const prefixed = 0xfc;

/** The opcodes from the first to the last, inclusive. */
type Range = readonly [first: number, last: number, immediates: Immediates];

const plainImmediates = buildTable([
  [0x00, 0x01, nothing], // unreachable, nop
  [0x02, 0x04, blockType], // block, loop, if
  [0x05, 0x05, nothing], // else
  [0x0b, 0x0b, nothing], // end
  [0x0c, 0x0d, number], // br, br_if
  [0x0e, 0x0e, labels], // br_table
  [0x0f, 0x0f, nothing], // return
  [0x10, 0x10, number], // call
  [0x11, 0x11, numbers(2)], // call_indirect
  [0x1a, 0x1b, nothing], // drop, select
  [0x1c, 0x1c, types], // select with types
  [0x20, 0x24, number], // local.*, global.*
  [0x28, 0x3e, memoryArgument], // loads and stores
  [0x3f, 0x42, number], // memory.size, memory.grow, i32.const, i64.const
  [0x43, 0x43, bytes(4)], // f32.const
  [0x44, 0x44, bytes(8)], // f64.const
  [0x45, 0xc4, nothing], // numeric
]);

const prefixedImmediates = buildTable([
  [0x00, 0x07, nothing], // saturating conversions
  [0x08, 0x08, numbers(2)], // memory.init
  [0x0a, 0x0a, numbers(2)], // memory.copy
  [0x0b, 0x0b, number], // memory.fill
]);

function buildTable(ranges: readonly Range[]): ReadonlyMap<number, Immediates> {
  const entries = ranges.flatMap(([first, last, immediates]) =>
    Array.from({ length: last - first + 1 }, (_, index) => [first + index, immediates] as const),
  );
  return new Map(entries);
}

/**
 * Advances the reader past the expression's `end`.
 *
 * @param visit called for each instruction without a prefix, with its opcode, its start and its end
 * @throws NotKnown, Truncated
 */
export function walkExpression(
  reader: Reader,
  visit: (opcode: number, start: number, end: number) => void = () => {},
): void {
  for (let depth = 1; depth > 0; ) {
    const start = reader.position;
    const opcode = reader.byte();
    if (opcode === prefixed) {
      const second = reader.unsigned();
      findImmediates(prefixedImmediates, second, `0xfc ${second}`)(reader);
      continue;
    }
    findImmediates(plainImmediates, opcode, `0x${opcode.toString(16)}`)(reader);
    visit(opcode, start, reader.position);
    if (block.openers.has(opcode)) depth += 1;
    if (opcode === block.end) depth -= 1;
  }
}

function findImmediates(table: ReadonlyMap<number, Immediates>, opcode: number, name: string): Immediates {
  const immediates = table.get(opcode);
  if (!immediates) throw new NotKnown(`instruction ${name}`);
  return immediates;
}
