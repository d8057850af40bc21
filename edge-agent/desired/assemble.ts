/** Joins the parts of a desired state. A part out of order discards the list until the next one is sent. */
import {
  type DesiredFunction,
  type FrameOf,
  maxDesiredFunctions,
  type ToAgent,
} from '@skerry/shared/tunnel/protocol.ts';
import type { DesiredState } from './reconcile.ts';

type DesiredParts = {
  /** The whole list, when this part was its last. */
  add(part: FrameOf<ToAgent, 'desired'>): DesiredState | undefined;
};

export function createDesiredParts(): DesiredParts {
  let generation = 0;
  let expected = 0;
  let functions: DesiredFunction[] = [];
  return {
    add(frame) {
      if (frame.part === 0) {
        generation = frame.generation;
        expected = 0;
        functions = [];
      }
      const fits = frame.generation === generation && frame.part === expected;
      if (!fits || functions.length + frame.functions.length > maxDesiredFunctions) {
        expected = -1;
        return undefined;
      }
      functions.push(...frame.functions);
      expected += 1;
      return frame.last ? { generation, functions } : undefined;
    },
  };
}
