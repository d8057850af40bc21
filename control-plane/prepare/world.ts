/**
 * Which accepted world a component fits, and what it imports, read from its WIT as jco prints it. The world of a
 * component is always printed as `world root`, one item per line.
 */
import type { World } from '@skerry/shared/bundle.ts';
import { isProvided } from '@skerry/shared/wit/provided.ts';
import { listed, rejected } from './refusal.ts';

/** Worlds that are components; FunLess's functions are not. */
export type ComponentWorld = Exclude<World, 'funless'>;

export type Fit = {
  readonly world: ComponentWorld;
  /** Name of the export that runs the function. */
  readonly exportName: string;
  /** Imports as WIT names them, with version, in alphabetical order. */
  readonly imports: string[];
};

const handlerExport = /^invoke: func\(%?[a-z][a-z0-9-]*: string\) -> result<string, string>$/i;
const httpExport = /^wasi:http\/incoming-handler@0\.2\.\d+$/;
const runExport = /^wasi:cli\/run@0\.2\.\d+$/;
/** The same of other versions: drafts before 0.2, and 0.3 and later. */
const otherHttpExport = /^wasi:http\/(?:incoming-)?handler(?:@|$)/;
const otherRunExport = /^wasi:cli\/run(?:@|$)/;
const accepted =
  'accepted are `invoke: func(input: string) -> result<string, string>` (world skerry:function/handler), wasi:http/incoming-handler@0.2 and wasi:cli/run@0.2';

/** @throws SkerryError `component_rejected` when it fits no world or imports what the host does not provide */
export function fitWorld(wit: string): Fit {
  const exports = items(wit, 'export');
  const imports = items(wit, 'import').toSorted();
  const missing = imports.filter((name) => !isProvided(name));
  const fit = worldOf(exports);
  if (missing.length > 0) throw rejected(`imports that the host does not provide: ${listed(missing)}`);
  return { ...fit, imports };
}

function worldOf(exports: readonly string[]): Omit<Fit, 'imports'> {
  if (exports.some((item) => handlerExport.test(item))) {
    return { world: 'skerry:function/handler', exportName: 'invoke' };
  }
  const http = exports.find((item) => httpExport.test(item));
  if (http) return { world: 'wasi:http/incoming-handler', exportName: http };
  const run = exports.find((item) => runExport.test(item));
  if (run) return { world: 'wasi:cli/run', exportName: run };
  const otherHttp = exports.find((item) => otherHttpExport.test(item));
  if (otherHttp) throw rejected(`it exports ${otherHttp}; build it for wasi:http/incoming-handler@0.2 instead`);
  const otherRun = exports.find((item) => otherRunExport.test(item));
  if (otherRun) throw rejected(`it exports ${otherRun}; build it for wasi:cli/run@0.2 instead`);
  throw rejected(`it exports ${listed(exports)}; ${accepted}`);
}

/** Imports or exports of the component's world, without the keyword and the semicolon. */
function items(wit: string, keyword: 'import' | 'export'): string[] {
  const world = /^world root \{\n([\s\S]*?)^\}/m.exec(wit)?.[1] ?? '';
  return [...world.matchAll(new RegExp(`^  ${keyword} (.+?)(?:;| \\{)$`, 'gm'))].map(([, item]) => item ?? '');
}
