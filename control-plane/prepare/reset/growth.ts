/**
 * Makes the growth of a memory resettable. A memory never shrinks. So an instance whose memory has grown could not be
 * reset (state.ts), and the allocators of most toolchains grow the memory in every call.
 *
 * The rewritten module has a global, the slack: a number of pages at the end of its memory that the guest does not know
 * of. `memory.size` does not count them, and `memory.grow` returns them first. The slack of a new instance is 0, so
 * that the instance behaves as before, also with glue. A reset fills the grown pages with zeroes and makes them slack.
 *
 * The guest can notice one difference after a reset: it can read and write in its slack, where it would have trapped.
 * It reads zeroes there, and its writes disappear with the next reset. It sees nothing of an earlier call.
 */
import type { CoreExport } from '@skerry/shared/function/linked-plan.ts';
import { appendToSection, encodeBody, encodeExport, encodeVector } from '../wasm/append.ts';
import { createReader, encodeUnsigned, preambleBytes, readSections, Truncated, writeSections } from '../wasm/binary.ts';
import { coreSections, externKinds, opcodes, valueTypes } from '../wasm/core-format.ts';
import { NotKnown } from '../wasm/instructions.ts';
import { type ModuleShape, readBodies, readModuleShape, walkBody } from '../wasm/module-shape.ts';

/** Name under which the module with the memory exports the slack. */
const slackName = 'skerry:slack';

type NamedModule = { readonly name: string; readonly bytes: Uint8Array };

/**
 * @returns the rewritten modules, and the slack of the plan's memory. Undefined when no module grows its memory, when a
 *   module grows the memory of another one (which does not know of the slack), or for an unknown construct
 */
export function virtualizeGrowth(
  plan: { readonly instances: readonly { readonly module: string }[] },
  modules: readonly NamedModule[],
): { slack: CoreExport; modules: NamedModule[] } | undefined {
  try {
    const shapes = new Map(modules.map(({ name, bytes }) => [name, readModuleShape(bytes)]));
    const growing = plan.instances.flatMap(({ module }, instance) => (shapes.get(module)?.grows ? [instance] : []));
    const [instance] = growing;
    const owner = instance === undefined ? undefined : plan.instances[instance]?.module;
    const shape = owner === undefined ? undefined : shapes.get(owner);
    if (instance === undefined || growing.length > 1 || shape?.memory !== 'own') return undefined;
    return {
      slack: { instance, name: slackName },
      modules: modules.map(({ name, bytes }) => ({ name, bytes: name === owner ? addSlack(bytes, shape) : bytes })),
    };
  } catch (error) {
    if (error instanceof NotKnown || error instanceof Truncated) return undefined;
    throw error;
  }
}

const { i32 } = valueTypes;
/** [i32] -> [i32] */
const growType = [0x60, 1, i32, 1, i32];
const slackGlobal = [i32, 1, 0x41, 0, 0x0b];

function addSlack(module: Uint8Array, shape: ModuleShape): Uint8Array {
  const slack = encodeUnsigned(shape.importedGlobals + shape.globals);
  const grow = encodeUnsigned(shape.importedFunctions + shape.functions);
  let sections = readSections(module).map((section) =>
    section.id === coreSections.code
      ? { id: coreSections.code, content: rewriteCode(section.content, slack, grow) }
      : section,
  );
  sections = appendToSection(sections, coreSections.type, growType);
  sections = appendToSection(sections, coreSections.function, encodeUnsigned(shape.types));
  sections = appendToSection(sections, coreSections.global, slackGlobal);
  sections = appendToSection(sections, coreSections.export, encodeExport(slackName, externKinds.global, slack));
  sections = appendToSection(sections, coreSections.code, encodeBody(encodeGrowBody(slack)));
  return writeSections(module.subarray(0, preambleBytes), sections);
}

function rewriteCode(content: Uint8Array, slack: readonly number[], grow: readonly number[]): Uint8Array {
  const bodies = readBodies(createReader(content)).map((body) => encodeBody(rewriteBody(body, slack, grow)));
  return encodeVector(bodies.length, bodies);
}

function rewriteBody(body: Uint8Array, slack: readonly number[], grow: readonly number[]): Uint8Array {
  const size = Uint8Array.from([0x3f, 0, 0x23, ...slack, 0x6b]); // memory.size - slack
  const call = Uint8Array.from([opcodes.call, ...grow]);
  const parts: Uint8Array[] = [];
  let copied = 0;
  walkBody(body, (opcode, start, end) => {
    if (opcode !== opcodes.memorySize && opcode !== opcodes.memoryGrow) return;
    parts.push(body.subarray(copied, start), opcode === opcodes.memorySize ? size : call);
    copied = end;
  });
  return Buffer.concat([...parts, body.subarray(copied)]);
}

/** Encodes a function that takes pages from the slack, and grows the memory by the rest. It returns -1 on failure. */
function encodeGrowBody(slack: readonly number[]): number[] {
  const [wanted, result] = [0, 1];
  const getSlack = [0x23, ...slack];
  const setSlack = [0x24, ...slack];
  return [
    ...[1, 1, i32], // one local
    ...[0x20, wanted, ...getSlack, 0x4d, 0x04, 0x40], // if wanted <= slack
    ...[0x3f, 0, ...getSlack, 0x6b, 0x21, result], //   result = memory.size - slack
    ...[...getSlack, 0x20, wanted, 0x6b, ...setSlack], //   slack -= wanted
    ...[0x20, result, 0x0f, 0x0b], //   return result
    ...[0x20, wanted, ...getSlack, 0x6b, 0x40, 0, 0x22, result], // result = memory.grow(wanted - slack)
    ...[0x41, 0x7f, 0x46, 0x04, 0x40, 0x41, 0x7f, 0x0f, 0x0b], // if result = -1, return it
    ...[0x20, result, ...getSlack, 0x6b, 0x21, result], // result -= slack
    ...[0x41, 0, ...setSlack, 0x20, result, 0x0b], // slack = 0
  ];
}
