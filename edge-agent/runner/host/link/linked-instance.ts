/**
 * Instances of a component with imports, made without glue. Its bundle lists the modules to instantiate, the functions
 * of the host that it imports, and their types. The part that does not depend on an instance is prepared once per
 * thread, so that it stays compiled.
 *
 * Invariants: an instance has one call at a time. After `reset` has returned true, its own state is that of a new
 * instance: memories and globals have their initial values, and it has no handles. The host renews its own state for
 * the instance.
 */
import type { CoreExport, LinkedPlan } from '@skerry/shared/function/linked-plan.ts';
import type { Context, CoreValue } from './codec.ts';
import { prepareGuestCall } from './guest-call.ts';
import { GuestMemory } from './guest-memory.ts';
import { Handles } from './handles.ts';
import { type HostCall, type HostImports, prepareHostCall } from './host-call.ts';
import { restore, type Snapshot, type StatePart, takeSnapshot } from './snapshot.ts';

type LinkedInstance = {
  /** Calls the function. @throws ErrorResult for its own error result, any other error when the instance is spent */
  call(...args: readonly unknown[]): unknown;
  /** The core instances. Used to find out why a call failed. */
  readonly cores: readonly WebAssembly.Instance[];
  /** @returns false when the instance cannot be restored, and must be dropped */
  reset(): boolean;
};

type Linker = {
  /** @throws the errors of instantiation: RangeError without memory, RuntimeError for a trap at start */
  instantiate(imports: HostImports): LinkedInstance;
};

type Realloc = (old: number, oldSize: number, alignment: number, size: number) => number;

/** Stands for a core instance that was not made, or lacks the export: for a host function that needs no memory. */
const noMemory = { beginValues() {} } as unknown as GuestMemory;

export function createLinker(plan: LinkedPlan, modules: ReadonlyMap<string, WebAssembly.Module>): Linker {
  const hostCalls = plan.host.map((fn) => ('drop' in fn ? undefined : prepareHostCall(fn)));
  const guestCall = prepareGuestCall(plan.entry);
  const suspends = plan.host.some((fn) => 'suspends' in fn && fn.suspends);
  /**
   * The state of the first instance before any call. All instances begin with it, as long as no input from outside
   * enters them.
   */
  let snapshot: Snapshot | undefined;
  let first = true;

  return {
    instantiate(imports) {
      const cores: WebAssembly.Instance[] = [];
      const handles = new Handles();
      const memories = new Map<string, GuestMemory>();
      let asked = false;

      const find = <T>({ instance, name }: CoreExport) => cores[instance]?.exports[name] as T;
      const memoryOf = ({ memory, realloc }: LinkedPlan['entry']['options']): GuestMemory => {
        if (!memory) return noMemory;
        const key = `${memory.instance} ${memory.name} ${realloc?.instance} ${realloc?.name}`;
        let found = memories.get(key);
        if (!found) {
          found = new GuestMemory(find(memory), realloc && find<Realloc>(realloc));
          memories.set(key, found);
        }
        return found;
      };
      const hostFunction = (index: number): unknown => {
        const fn = plan.host[index];
        if (!fn) throw new Error(`the plan has no function ${index} of the host`);
        if ('drop' in fn) return (number: number) => handles.drop(fn.drop, number >>> 0);
        const call = hostCalls[index] as HostCall;
        const context: Context = { memory: memoryOf(fn.options), handles };
        const run = (...values: CoreValue[]) => {
          asked = true;
          return call(context, imports, values);
        };
        return fn.suspends ? new WebAssembly.Suspending(run) : run;
      };

      for (const { module: name, imports: wanted } of plan.instances) {
        const module = modules.get(name);
        if (!module) throw new Error(`the bundle has no core module ${name}`);
        // Without prototypes: the guest chooses the names, and one may be `__proto__`.
        const object: Record<string, Record<string, unknown>> = Object.create(null);
        for (const { module: from, name: key, from: source } of wanted) {
          object[from] ??= Object.create(null) as Record<string, unknown>;
          object[from][key] = 'host' in source ? hostFunction(source.host) : find(source);
        }
        cores.push(new WebAssembly.Instance(module, object));
      }
      const state = plan.state?.map((part) => find<StatePart>(part));
      const slack = plan.slack && find<WebAssembly.Global>(plan.slack);
      // Values that a start function got from the host (the time, random bytes) would be in every copy.
      if (first && state && !asked) snapshot = takeSnapshot(state);
      first = false;

      const core = find<(...values: CoreValue[]) => CoreValue>(plan.entry.core);
      const enter = suspends ? WebAssembly.promising(core) : core;
      const postReturn = plan.entry.postReturn && find<(...values: CoreValue[]) => void>(plan.entry.postReturn);
      const context: Context = { memory: memoryOf(plan.entry.options), handles };
      return {
        call: (...args) => guestCall(context, enter, postReturn, args),
        cores,
        reset() {
          handles.clear();
          return state !== undefined && snapshot !== undefined && restore(state, snapshot, slack);
        },
      };
    },
  };
}
