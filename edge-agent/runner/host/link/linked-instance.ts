/**
 * Instances of a component that imports something, made without glue: its bundle says what to instantiate, which
 * functions of the host it takes, and by which types. What does not belong to one instance is worked out once per
 * thread, and so stays compiled.
 *
 * Invariants: an instance has one call at a time; after `reset` has returned true its own state is that of a new one:
 * memories and globals are what they were, and it has no handles. What the host keeps for it is the host's to renew.
 */
import type { CoreExport, LinkedPlan } from '@skerry/shared/function/linked-plan.ts';
import type { Context, CoreValue } from './codec.ts';
import { prepareGuestCall } from './guest-call.ts';
import { GuestMemory } from './guest-memory.ts';
import { Handles } from './handles.ts';
import { type HostCall, type HostImports, prepareHostCall } from './host-call.ts';
import { restore, type Snapshot, type StatePart, takeSnapshot } from './snapshot.ts';

export type LinkedInstance = {
  /** Calls the function. @throws ErrorResult for its own error result, anything else when the instance is spent */
  call(...args: readonly unknown[]): unknown;
  /** Core instances, for finding out why a call failed. */
  readonly cores: readonly WebAssembly.Instance[];
  /** @returns false when it cannot be put back, and is fit for nothing any more */
  reset(): boolean;
};

export type Linker = {
  /** @throws whatever instantiating throws: RangeError when there is no memory, RuntimeError for a trap at start */
  instantiate(imports: HostImports): LinkedInstance;
};

type Realloc = (old: number, oldSize: number, alignment: number, size: number) => number;

/** A core instance that has not been made, or exports no such thing: for a host function that needs no memory. */
const noMemory = { beginValues() {} } as unknown as GuestMemory;

export function createLinker(plan: LinkedPlan, modules: ReadonlyMap<string, WebAssembly.Module>): Linker {
  const hostCalls = plan.host.map((fn) => ('drop' in fn ? undefined : prepareHostCall(fn)));
  const guestCall = prepareGuestCall(plan.entry);
  const suspends = plan.host.some((fn) => 'suspends' in fn && fn.suspends);
  /** Of the first instance, before any call. All begin alike, as long as nothing from outside enters them. */
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
        // Without prototypes: names are the guest's, and may be `__proto__`.
        const object: Record<string, Record<string, unknown>> = Object.create(null);
        for (const { module: from, name: key, from: source } of wanted) {
          object[from] ??= Object.create(null) as Record<string, unknown>;
          object[from][key] = 'host' in source ? hostFunction(source.host) : find(source);
        }
        cores.push(new WebAssembly.Instance(module, object));
      }
      const state = plan.state?.map((part) => find<StatePart>(part));
      const slack = plan.slack && find<WebAssembly.Global>(plan.slack);
      // What a start function learnt from the host (the time, random bytes) would be in every copy.
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
