/**
 * Glue of a component with asynchronous functions. It is made anew for every instance with timers of the instance's own
 * in its scope, so that what an instance leaves behind ends with its call.
 *
 * The global object in its scope has no `process`, which it would ask at every step whether to explain itself, and its
 * console says nothing: what is wrong with a guest is for its caller, not for the agent's log.
 */
import { Script } from 'node:vm';
import { glueBody, type Instantiate } from '../instances/glue.ts';
import type { PollTimers } from './poll-timers.ts';

/**
 * @param onThrown called with what any code of the guest throws: the glue keeps it to itself when the guest has answered
 *   already
 * @returns an instance's `instantiate`
 */
export type ScopedGlue = (timers: PollTimers, onThrown: (error: unknown) => void) => Instantiate;

/** Everything that the glue takes from outside beyond the language itself. */
const names = [
  'setTimeout',
  'setInterval',
  'clearInterval',
  'queueMicrotask',
  'console',
  'WebAssembly',
  'globalThis',
].join(', ');

/** @throws SyntaxError when the glue is not what jco writes */
export function compileScopedGlue(glue: string, name: string): ScopedGlue {
  const script = new Script(`((${names}) => { 'use strict';\n${glueBody(glue)}\nreturn instantiate; })`, {
    filename: `${name}.js`,
  });
  const scoped: (...given: unknown[]) => Instantiate = script.runInThisContext();
  const silence = () => undefined;
  const console = { log: silence, warn: silence, error: silence };
  return ({ setTimeout, setInterval, clearInterval, queueMicrotask }, onThrown) => {
    const watched = watchedWebAssembly(onThrown);
    const global = { WebAssembly: watched };
    return scoped(setTimeout, setInterval, clearInterval, queueMicrotask, console, watched, global);
  };
}

/** The same as ever, but that every way into the guest is watched. */
function watchedWebAssembly(onThrown: (error: unknown) => void): typeof WebAssembly {
  const promising = (core: (...given: unknown[]) => unknown) => {
    const enter = WebAssembly.promising(core);
    return (...given: unknown[]) => {
      const result = enter(...given);
      result.catch(onThrown);
      return result;
    };
  };
  return Object.create(WebAssembly, { promising: { value: promising } });
}
