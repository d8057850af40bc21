/** Plans for running a flat component without glue. */
import type { DirectPlan } from '@skerry/shared/function/bundle.ts';
import type { LinkedPlan } from '@skerry/shared/function/linked-plan.ts';
import type { FlatComponent, Lift } from './flat-component.ts';

/** For a component that imports nothing and exports `invoke` by strings alone: there is a shorter way for these. */
export function planDirect({ host, instances, exports }: FlatComponent): DirectPlan | undefined {
  const lift = exports.get('invoke');
  const { memory, realloc } = lift?.options ?? {};
  if (host.length > 0 || !lift || !memory || !realloc || !isHandler(lift)) return undefined;
  return {
    // Without functions of the host, every import is an export of an instance.
    instances: instances as DirectPlan['instances'],
    invoke: lift.core,
    memory,
    realloc,
    ...(lift.postReturn && { postReturn: lift.postReturn }),
  };
}

/** @param entry the exported function that runs it */
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
