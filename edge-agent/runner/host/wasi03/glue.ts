/**
 * Glue of a component with asynchronous functions. It is compiled again for every instance, with timers of the instance
 * in its scope, so that everything the instance leaves behind ends with its call.
 *
 * The global object in its scope has no `process`: the glue would ask it at every step whether to print debug output.
 * Its console prints nothing: a fault of a guest is for its caller, not for the agent's log.
 */
import { Script } from 'node:vm';
import { glueBody, type Instantiate } from '../instances/glue.ts';
import type { PollTimers } from './poll-timers.ts';

/**
 * @param onThrown called with errors that code of the guest throws: the glue swallows them once the guest has answered
 * @returns an instance's `instantiate`
 */
export type ScopedGlue = (timers: PollTimers, onThrown: (error: unknown) => void) => Instantiate;

/** All globals that the glue uses beyond the language itself. */
const names = [
  'setTimeout',
  'setInterval',
  'clearInterval',
  'queueMicrotask',
  'console',
  'WebAssembly',
  'globalThis',
].join(', ');

/** @throws SyntaxError when the text is not jco's glue */
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

/** The same function, with every entry into the guest watched. */
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
