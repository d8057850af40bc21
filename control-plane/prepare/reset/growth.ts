/**
 * Makes the growth of a memory something that can be put back. A memory never shrinks, so an instance whose memory has
 * grown could not be reset (state.ts), and most toolchains' allocators grow it in every call.
 *
 * The module gets a global, the slack: pages at the end of its memory that the guest does not know of. `memory.size`
 * leaves them out, `memory.grow` gives them first. The slack is 0 in a new instance, which so behaves as ever, with
 * glue as well; whoever resets an instance fills what has grown with zeroes and makes it slack.
 *
 * What differs for the guest in an instance that was reset: it may read and write in its slack where it would have
 * trapped. It finds zeroes there, and what it writes is gone with the call; nothing of an earlier call is to be seen.
 */
import type { CoreExport } from '@skerry/shared/function/linked-plan.ts';
import { appendTo, exportOf, sized, vector } from '../wasm/append.ts';
import { createReader, preambleBytes, readSections, Truncated, unsignedBytes, writeSections } from '../wasm/binary.ts';
import { NotKnown } from '../wasm/instructions.ts';
import { eachBody, ids, kinds, opcodes, readShape, type Shape, walkBody } from '../wasm/module-shape.ts';

/** Export of the module that has the memory. */
const slackName = 'skerry:slack';

type NamedModule = { readonly name: string; readonly bytes: Uint8Array };

/**
 * @returns the modules, and the slack of the plan's memory; undefined when nothing grows, when a module grows the
 *   memory of another one (it would not know of the slack), or when something is not known
 */
export function virtualizeGrowth(
  plan: { readonly instances: readonly { readonly module: string }[] },
  modules: readonly NamedModule[],
): { slack: CoreExport; modules: NamedModule[] } | undefined {
  try {
    const shapes = new Map(modules.map(({ name, bytes }) => [name, readShape(bytes)]));
    const growing = plan.instances.flatMap(({ module }, instance) => (shapes.get(module)?.grows ? [instance] : []));
    const [instance] = growing;
    const owner = instance === undefined ? undefined : plan.instances[instance]?.module;
    const shape = owner === undefined ? undefined : shapes.get(owner);
    if (instance === undefined || growing.length > 1 || shape?.memory !== 'own') return undefined;
    return {
      slack: { instance, name: slackName },
      modules: modules.map(({ name, bytes }) => ({ name, bytes: name === owner ? withSlack(bytes, shape) : bytes })),
    };
  } catch (error) {
    if (error instanceof NotKnown || error instanceof Truncated) return undefined;
    throw error;
  }
}

const i32 = 0x7f;
/** [i32] -> [i32] */
const growType = [0x60, 1, i32, 1, i32];
const slackGlobal = [i32, 1, 0x41, 0, 0x0b];

function withSlack(module: Uint8Array, shape: Shape): Uint8Array {
  const slack = unsignedBytes(shape.importedGlobals + shape.globals);
  const grow = unsignedBytes(shape.importedFunctions + shape.functions);
  let sections = readSections(module).map((section) =>
    section.id === ids.code ? { id: ids.code, content: rewriteCode(section.content, slack, grow) } : section,
  );
  sections = appendTo(sections, ids.type, growType);
  sections = appendTo(sections, ids.function, unsignedBytes(shape.types));
  sections = appendTo(sections, ids.global, slackGlobal);
  sections = appendTo(sections, ids.export, exportOf(slackName, kinds.global, slack));
  sections = appendTo(sections, ids.code, sized(growBody(slack)));
  return writeSections(module.subarray(0, preambleBytes), sections);
}

function rewriteCode(content: Uint8Array, slack: readonly number[], grow: readonly number[]): Uint8Array {
  const bodies: Uint8Array[] = [];
  eachBody(createReader(content), (body) => bodies.push(sized(rewriteBody(body, slack, grow))));
  return vector(bodies.length, bodies);
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

/** Gives from the slack as far as it goes, and lets the memory grow by the rest; -1 when that is not possible. */
function growBody(slack: readonly number[]): number[] {
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
