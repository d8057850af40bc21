/**
 * Finds the accepted world of a component, and its imports, in its WIT as jco prints it. jco always prints the world of
 * a component as `world root`, with one item per line.
 */
import { isAsync, type World } from '@skerry/shared/function/bundle.ts';
import { isProvided } from '@skerry/shared/wit/provided.ts';
import { isProvided03, isWasi03 } from '@skerry/shared/wit/provided-03.ts';
import { listNames, rejected } from './wasm/refusal.ts';

/** The worlds of components. A FunLess function is no component. */
export type ComponentWorld = Exclude<World, 'funless'>;

export type Fit = {
  readonly world: ComponentWorld;
  /** Name of the export that an invocation calls. */
  readonly exportName: string;
  /** WIT names of the imports with their versions, in alphabetical order. */
  readonly imports: string[];
};

const handlerExport = /^invoke: func\(%?[a-z][a-z0-9-]*: string\) -> result<string, string>$/i;
const httpExport = /^wasi:http\/incoming-handler@0\.2\.\d+$/;
const runExport = /^wasi:cli\/run@0\.2\.\d+$/;
const asyncRunExport = /^wasi:cli\/run@0\.3\.\d+$/;
const asyncHttpExport = /^wasi:http\/handler@0\.3\.\d+$/;
/** The same interfaces in other versions: drafts and later ones. */
const otherHttpExport = /^wasi:http\/(?:incoming-)?handler(?:@|$)/;
const otherRunExport = /^wasi:cli\/run(?:@|$)/;
const accepted =
  'accepted are `invoke: func(input: string) -> result<string, string>` (world skerry:function/handler), wasi:http/incoming-handler@0.2 and wasi:cli/run@0.2';
/** The advice for the operator of the control plane. */
const settingAdvice = 'set SKERRY_WASI_03=1 on the control plane to accept WASI 0.3';

/**
 * @param wasi03 true: components of WASI 0.3 are accepted
 * @throws SkerryError `component_rejected` when the component fits no world, or imports an interface that the host does
 *   not provide
 */
export function fitWorld(wit: string, { wasi03 }: { wasi03: boolean }): Fit {
  const exports = listItems(wit, 'export');
  const imports = listItems(wit, 'import').toSorted();
  const fit = findWorld(exports, wasi03);
  const usesWasi03 = isAsync(fit.world);
  const missing = imports.filter((name) => !isProvided(name) && !(usesWasi03 && isProvided03(name)));
  if (missing.length > 0) {
    throw rejected(
      `imports that the host does not provide: ${listNames(missing)}${adviseOn(missing, usesWasi03, wasi03)}`,
    );
  }
  return { ...fit, imports };
}

/** Advises on missing interfaces of WASI 0.3. Other interfaces need no advice. */
function adviseOn(missing: readonly string[], usesWasi03: boolean, wasi03: boolean): string {
  const of03 = missing.filter(isWasi03);
  if (of03.length === 0) return '';
  if (usesWasi03) return '; use those of WASI 0.2 in their place, which a component of 0.3 may import as well';
  if (!of03.every(isProvided03)) return '; build it for WASI 0.2';
  return wasi03
    ? '; a component that imports WASI 0.3 must export wasi:cli/run@0.3 or wasi:http/handler@0.3'
    : `; build it for WASI 0.2, or export it for 0.3 as well and ${settingAdvice}`;
}

function findWorld(exports: readonly string[], wasi03: boolean): Omit<Fit, 'imports'> {
  if (exports.some((item) => handlerExport.test(item))) {
    return { world: 'skerry:function/handler', exportName: 'invoke' };
  }
  const http = exports.find((item) => httpExport.test(item));
  if (http) return { world: 'wasi:http/incoming-handler', exportName: http };
  const run = exports.find((item) => runExport.test(item));
  if (run) return { world: 'wasi:cli/run', exportName: run };
  const asyncHttp = exports.find((item) => asyncHttpExport.test(item));
  if (asyncHttp && wasi03) return { world: 'wasi:http/handler@0.3', exportName: asyncHttp };
  if (asyncHttp)
    throw rejected(`it exports ${asyncHttp}; build it for wasi:http/incoming-handler@0.2 instead, or ${settingAdvice}`);
  const otherHttp = exports.find((item) => otherHttpExport.test(item));
  if (otherHttp) throw rejected(`it exports ${otherHttp}; build it for wasi:http/incoming-handler@0.2 instead`);
  const asyncRun = exports.find((item) => asyncRunExport.test(item));
  if (asyncRun && wasi03) return { world: 'wasi:cli/run@0.3', exportName: asyncRun };
  if (asyncRun) throw rejected(`it exports ${asyncRun}; build it for wasi:cli/run@0.2 instead, or ${settingAdvice}`);
  const otherRun = exports.find((item) => otherRunExport.test(item));
  if (otherRun) throw rejected(`it exports ${otherRun}; build it for wasi:cli/run@0.2 instead`);
  throw rejected(`it exports ${listNames(exports)}; ${accepted}`);
}

/** Lists the imports or exports of the component's world, without the keyword and the semicolon. */
function listItems(wit: string, keyword: 'import' | 'export'): string[] {
  const world = /^world root \{\n([\s\S]*?)^\}/m.exec(wit)?.[1] ?? '';
  return [...world.matchAll(new RegExp(`^  ${keyword} (.+?)(?:;| \\{)$`, 'gm'))].map(([, item]) => item ?? '');
}
