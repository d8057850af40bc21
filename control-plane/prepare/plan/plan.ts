/** Plans how to run a flat component without glue. */
import type { DirectPlan } from '@skerry/shared/function/bundle.ts';
import type { LinkedPlan } from '@skerry/shared/function/linked-plan.ts';
import type { FlatComponent } from './flat-component.ts';
import type { Lift } from './index-spaces.ts';

/** Plans a component without imports that exports `invoke` with strings alone: it runs with less code than others. */
export function planDirect({ host, instances, exports }: FlatComponent): DirectPlan | undefined {
  const lift = exports.get('invoke');
  const { memory, realloc } = lift?.options ?? {};
  if (host.length > 0 || !lift || !memory || !realloc || !isHandler(lift)) return undefined;
  return {
    // Without host functions, every import is an export of an instance.
    instances: instances as DirectPlan['instances'],
    invoke: lift.core,
    memory,
    realloc,
    ...(lift.postReturn && { postReturn: lift.postReturn }),
  };
}

/** @param entry name of the exported function that an invocation calls */
export function planLinked(
  { resources, host, instances, exports }: FlatComponent,
  entry: string,
): LinkedPlan | undefined {
  const lift = exports.get(entry);
  return lift && { resources, host, instances, entry: lift };
}

function isHandler({ type: { params, result } }: Lift): boolean {
  return JSON.stringify([params, result]) === '[["string"],{"result":["string","string"]}]';
}
