/**
 * The index spaces of a component (component model, Explainer.md): its definitions so far, and the plan built of them.
 */
import type { CoreExport, FunctionType, HostFunction, LinkedPlan } from '@skerry/shared/function/linked-plan.ts';
import {
  type ComponentType,
  expectKnown,
  type ImportedInstance,
  NotFlat,
  type Resources,
  type TypeScope,
} from './component-types.ts';
import type { Shell } from './shell-component.ts';

/** A function that the component exports. */
export type Lift = LinkedPlan['entry'];

/** The source of a core function: a core export, or a host function by its index in the plan. */
export type CoreFunction = CoreExport | { readonly host: number };
/** A core instance that only groups exports under new names. */
export type CoreGroup = ReadonlyMap<string, CoreFunction>;

export type ComponentFunction =
  | { readonly kind: 'imported'; readonly interface: string; readonly name: string; readonly type: FunctionType }
  | { readonly kind: 'lifted'; readonly lift: Lift };
export type ComponentInstance = ImportedInstance | { readonly exports: ReadonlyMap<string, ComponentFunction> };

export type IndexSpaces = {
  readonly scope: TypeScope;
  readonly types: ComponentType[];
  readonly modules: Uint8Array[];
  /** A core instance is either its index in the plan, or a group of exports. */
  readonly coreInstances: (number | CoreGroup)[];
  /** By core sort: functions, tables, memories, globals. */
  readonly core: readonly [CoreFunction[], CoreFunction[], CoreFunction[], CoreFunction[]];
  readonly functions: ComponentFunction[];
  readonly instances: ComponentInstance[];
  readonly shells: Shell[];
  /** Host functions that may wait, as `interface#function`. */
  readonly suspending: ReadonlySet<string>;
  readonly plan: { resources: LinkedPlan['resources']; host: HostFunction[]; instances: LinkedPlan['instances'] };
  readonly exports: Map<string, Lift>;
};

/** Core sorts (component model, Binary.md). */
export const coreSort = { function: 0x00, memory: 0x02, instance: 0x12 } as const;

/** @param suspending host functions that may wait, as `interface#function` */
export function createIndexSpaces(suspending: readonly string[]): IndexSpaces {
  const plan: IndexSpaces['plan'] = { resources: [], host: [], instances: [] };
  const resources: Resources = {
    register(interfaceName, name) {
      const at = plan.resources.findIndex((other) => other.interface === interfaceName && other.name === name);
      return at >= 0 ? at : plan.resources.push({ interface: interfaceName, name }) - 1;
    },
  };
  const types: ComponentType[] = [];
  return {
    scope: { spaces: [types], resources },
    types,
    modules: [],
    coreInstances: [],
    core: [[], [], [], []],
    functions: [],
    instances: [],
    shells: [],
    suspending: new Set(suspending),
    plan,
    exports: new Map(),
  };
}

/** @throws NotFlat when a group has no such export */
export function findExport(instance: number | CoreGroup, name: string): CoreFunction {
  return typeof instance === 'number' ? { instance, name } : expectKnown(instance.get(name));
}

/** @throws NotFlat for a host function */
export function expectCoreExport(source: CoreFunction | undefined): CoreExport {
  const known = expectKnown(source);
  if ('host' in known) throw new NotFlat();
  return known;
}
