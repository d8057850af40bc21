/**
 * Reads from a component's canonical definitions how its functions are lifted (component model, Binary.md, `canon`).
 *
 * Invariant: jco has accepted the component, so that the definitions are valid and of kinds that jco knows.
 */
import { createReader, type Reader, readSections } from './binary.ts';
import { rejected } from './refusal.ts';

const sectionIds = { component: 4, canon: 8 } as const;
/** The kind of a definition that lifts a function. */
const liftKind = 0x00;
const option = { memory: 0x03, realloc: 0x04, postReturn: 0x05, async: 0x06, callback: 0x07 } as const;
/** Options with an index after them. */
const indexedOptions: ReadonlySet<number> = new Set([
  option.memory,
  option.realloc,
  option.postReturn,
  option.callback,
]);

/** The operands after the first byte of each kind of definition but `lift`. */
type Operand = 'index' | 'flag' | 'options' | 'result' | 'zero';
const operands: ReadonlyMap<number, readonly Operand[]> = new Map<number, readonly Operand[]>([
  [0x01, ['zero', 'index', 'options']], // lower
  [0x02, ['index']], // resource.new
  [0x03, ['index']], // resource.drop
  [0x04, ['index']], // resource.rep
  [0x05, []], // task.cancel
  [0x06, ['flag']], // subtask.cancel
  [0x09, ['result', 'options']], // task.return
  [0x0a, ['flag', 'index']], // context.get
  [0x0b, ['flag', 'index']], // context.set
  [0x0c, ['flag']], // thread.yield
  [0x0d, []], // subtask.drop
  [0x0e, ['index']], // stream.new
  [0x0f, ['index', 'options']], // stream.read
  [0x10, ['index', 'options']], // stream.write
  [0x11, ['index', 'flag']], // stream.cancel-read
  [0x12, ['index', 'flag']], // stream.cancel-write
  [0x13, ['index']], // stream.drop-readable
  [0x14, ['index']], // stream.drop-writable
  [0x15, ['index']], // future.new
  [0x16, ['index', 'options']], // future.read
  [0x17, ['index', 'options']], // future.write
  [0x18, ['index', 'flag']], // future.cancel-read
  [0x19, ['index', 'flag']], // future.cancel-write
  [0x1a, ['index']], // future.drop-readable
  [0x1b, ['index']], // future.drop-writable
  [0x1c, ['options']], // error-context.new
  [0x1d, ['options']], // error-context.debug-message
  [0x1e, []], // error-context.drop
  [0x1f, []], // waitable-set.new
  [0x20, ['flag', 'index']], // waitable-set.wait
  [0x21, ['flag', 'index']], // waitable-set.poll
  [0x22, []], // waitable-set.drop
  [0x23, []], // waitable.join
  [0x24, []], // backpressure.inc
  [0x25, []], // backpressure.dec
]);

/**
 * True when a function of the component, or of a nested component, is lifted with `async` and without `callback`. Such
 * a function waits on a stack of its own.
 *
 * @throws SkerryError `component_rejected` for a definition of an unknown kind
 */
export function hasStackfulLift(component: Uint8Array): boolean {
  return readSections(component).some(({ id, content }) => {
    if (id === sectionIds.component) return hasStackfulLift(content);
    return id === sectionIds.canon && readDefinitions(createReader(content)).includes('stackful');
  });
}

function readDefinitions(reader: Reader): ('stackful' | 'other')[] {
  return reader.vector(() => {
    const kind = reader.byte();
    if (kind !== liftKind) {
      const rest = operands.get(kind);
      if (!rest) throw rejected(`it uses a canonical built-in that is not supported: 0x${kind.toString(16)}`);
      for (const operand of rest) skipOperand(reader, operand);
      return 'other';
    }
    reader.byte();
    reader.unsigned();
    const options = readOptions(reader);
    reader.unsigned();
    return options.has(option.async) && !options.has(option.callback) ? 'stackful' : 'other';
  });
}

function skipOperand(reader: Reader, operand: Operand): void {
  if (operand === 'options') readOptions(reader);
  else if (operand === 'index') reader.unsigned();
  // A named list of results is always empty: one byte for its kind, and one for its length.
  else if (operand === 'result') reader.byte() === 0x00 ? reader.unsigned() : reader.byte();
  else reader.byte();
}

function readOptions(reader: Reader): ReadonlySet<number> {
  const options = reader.vector(() => {
    const kind = reader.byte();
    if (indexedOptions.has(kind)) reader.unsigned();
    return kind;
  });
  return new Set(options);
}
