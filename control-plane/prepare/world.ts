/**
 * Which accepted world a component fits, and what it imports, read from its WIT as jco prints it. The world of a
 * component is always printed as `world root`, one item per line.
 */
import type { World } from '@skerry/shared/bundle.ts';
import { isProvided } from '@skerry/shared/wit/provided.ts';
import { listed, rejected } from './refusal.ts';

export type Fit = {
  readonly world: World;
  /** Name of the export that runs the function. */
  readonly exportName: string;
  /** Imports as WIT names them, with version, in alphabetical order. */
  readonly imports: string[];
};

const handlerExport = /^invoke: func\(%?[a-z][a-z0-9-]*: string\) -> result<string, string>$/i;
const runExport = /^wasi:cli\/run@0\.2\.\d+$/;
const httpExport = /^wasi:http\/(incoming-)?handler@/;
const accepted =
  'accepted are `invoke: func(input: string) -> result<string, string>` (world skerry:function/handler) and wasi:cli/run@0.2';

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
  const run = exports.find((item) => runExport.test(item));
  if (run) return { world: 'wasi:cli/run', exportName: run };
  const http = exports.find((item) => httpExport.test(item));
  if (http) throw rejected(`it exports ${http}, and HTTP components are not supported yet; ${accepted}`);
  throw rejected(`it exports ${listed(exports)}; ${accepted}`);
}

/** Imports or exports of the component's world, without the keyword and the semicolon. */
function items(wit: string, keyword: 'import' | 'export'): string[] {
  const world = /^world root \{\n([\s\S]*?)^\}/m.exec(wit)?.[1] ?? '';
  return [...world.matchAll(new RegExp(`^  ${keyword} (.+?)(?:;| \\{)$`, 'gm'))].map(([, item]) => item ?? '');
}
