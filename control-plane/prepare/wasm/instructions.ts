/**
 * Walks over the instructions of an expression (WebAssembly core specification, 5.4), far enough to tell whether it
 * can change anything but memory and globals: it must not write to a table or drop a segment.
 *
 * Known are WebAssembly 1.0, sign extension, saturating conversions and bulk memory, on numbers. Anything else, be it
 * harmless (SIMD) or not (references, exceptions, threads, garbage collection), throws `NotKnown`: a walk that steps
 * wrongly over a single immediate proves nothing.
 *
 * Invariant: the module has been validated, so that every byte met here is an instruction or its immediate.
 */
import type { Reader } from './binary.ts';

/** An instruction that is not known here, or that changes a table or a segment. */
export class NotKnown extends Error {
  constructor(what: string) {
    super(`not known to be harmless: ${what}`);
    this.name = 'NotKnown';
  }
}

/** What follows an opcode. */
type Immediates = (reader: Reader) => void;

const nothing: Immediates = () => {};
/** One LEB128 number of any size and sign: an index, a constant, a block type. */
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
/** Labels, and the default one. */
const labels: Immediates = (reader) => numbers(reader.unsigned() + 1)(reader);
/** Types of values, each of which must be a number: types of references take more than a byte. */
const types: Immediates = (reader) => {
  for (let left = reader.unsigned(); left > 0; left--) readNumberType(reader);
};
/** Empty, one type, or the index of a function type: a signed number that is not negative. */
const blockType: Immediates = (reader) => {
  const first = reader.byte();
  if (first >= 0x80) number(reader);
  else if (first >= signBit && first !== emptyBlock && !numberTypes.has(first)) throw new NotKnown('a block type');
};
const emptyBlock = 0x40;
/** Of the first byte of a signed LEB128 number. */
const signBit = 0x40;
/** Alignment and offset. With another memory than the first the alignment has a flag, and an index follows. */
const memoryArgument: Immediates = (reader) => {
  const alignment = reader.unsigned();
  if (alignment > largestAlignment) throw new NotKnown(`a memory argument with flags ${alignment}`);
  number(reader);
};
const largestAlignment = 3;

/** i32, i64, f32, f64 in the binary format. */
export const numberTypes: ReadonlySet<number> = new Set([0x7f, 0x7e, 0x7d, 0x7c]);

/** @throws NotKnown when it is another type of values */
export function readNumberType(reader: Reader): number {
  const type = reader.byte();
  if (!numberTypes.has(type)) throw new NotKnown(`type 0x${type.toString(16)}`);
  return type;
}

const block = { end: 0x0b, openers: new Set([0x02, 0x03, 0x04]) } as const;
const prefixed = 0xfc;

/** Opcodes from the first to the last, both included. */
type Range = readonly [first: number, last: number, immediates: Immediates];

const plain = table([
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

const afterPrefix = table([
  [0x00, 0x07, nothing], // saturating conversions
  [0x08, 0x08, numbers(2)], // memory.init
  [0x0a, 0x0a, numbers(2)], // memory.copy
  [0x0b, 0x0b, number], // memory.fill
]);

function table(ranges: readonly Range[]): ReadonlyMap<number, Immediates> {
  const entries = ranges.flatMap(([first, last, immediates]) =>
    Array.from({ length: last - first + 1 }, (_, index) => [first + index, immediates] as const),
  );
  return new Map(entries);
}

/**
 * Moves the reader behind the expression's `end`.
 *
 * @param visit called with each instruction but the prefixed ones: its opcode, where it starts and where it ends
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
      immediatesOf(afterPrefix, second, `0xfc ${second}`)(reader);
      continue;
    }
    immediatesOf(plain, opcode, `0x${opcode.toString(16)}`)(reader);
    visit(opcode, start, reader.position);
    if (block.openers.has(opcode)) depth += 1;
    if (opcode === block.end) depth -= 1;
  }
}

function immediatesOf(known: ReadonlyMap<number, Immediates>, opcode: number, name: string): Immediates {
  const immediates = known.get(opcode);
  if (!immediates) throw new NotKnown(`instruction ${name}`);
  return immediates;
}
