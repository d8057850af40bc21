/**
 * The bundles that the runner's process has compiled. The list ends with the process. The next process gets each bundle
 * when it needs it.
 */

import { SkerryError } from '@skerry/shared/errors.ts';
import type { Bundle } from '@skerry/shared/function/bundle.ts';
import type { RunnerProcess } from './process/process.ts';
import { encodeLoad } from './protocol/wire.ts';

export type Loads = {
  /** True when a call of this bundle can be sent now. */
  has(digest: string): boolean;
  /**
   * Resolves when the bundle is compiled. Rejects with SkerryError('function_load_failed'), or with the error of
   * `read`.
   */
  load(digest: string): Promise<void>;
  /** The process has replied. An empty message means success. */
  loaded(digest: string, message: string): void;
  /** True when the process had the bundle. */
  forget(digest: string): boolean;
  /** A process has started; requested bundles are sent to it. */
  attach(process: RunnerProcess): void;
  /** The process has ended: loads in progress are requested again, unless they may be the cause. */
  detach(): void;
  /** True while a load has waiters. */
  wanted(): boolean;
};

type Load = PromiseWithResolvers<void> & { state: 'wanted' | 'sent' | 'done'; losses: number };

/** A bundle during whose compilation the process ended this often is not tried again. */
const lossesAllowed = 2;

export function createLoads(options: {
  /** @throws SkerryError when there is no such bundle now, any other error when it is broken */
  read(digest: string): Bundle;
  /** A bundle was loaded; calls that waited for it can go. */
  onLoaded(): void;
}): Loads {
  const loads = new Map<string, Load>();
  let process: RunnerProcess | undefined;

  const reject = (digest: string, why: string | SkerryError, cause?: unknown) => {
    const load = loads.get(digest);
    loads.delete(digest);
    load?.reject(typeof why === 'string' ? new SkerryError('function_load_failed', why, { cause }) : why);
  };

  const send = (digest: string, load: Load) => {
    if (!process || load.state !== 'wanted') return;
    try {
      process.send(encodeLoad(digest, options.read(digest)));
      load.state = 'sent';
    } catch (error) {
      if (error instanceof SkerryError) return reject(digest, error);
      reject(digest, error instanceof Error ? error.message : String(error), error);
    }
  };

  return {
    has: (digest) => loads.get(digest)?.state === 'done',
    load(digest) {
      const known = loads.get(digest);
      if (known) return known.promise;
      const load: Load = { ...Promise.withResolvers<void>(), state: 'wanted', losses: 0 };
      // A caller awaits the promise itself. Without a caller the rejection has no consequence.
      load.promise.catch(() => {});
      loads.set(digest, load);
      send(digest, load);
      return load.promise;
    },
    loaded(digest, message) {
      const load = loads.get(digest);
      if (load?.state !== 'sent') return;
      if (message !== '') return reject(digest, message);
      load.state = 'done';
      load.resolve();
      options.onLoaded();
    },
    forget(digest) {
      const load = loads.get(digest);
      if (load?.state === 'done') return loads.delete(digest);
      reject(digest, 'the function was removed');
      return load?.state === 'sent';
    },
    attach(started) {
      process = started;
      for (const [digest, load] of [...loads]) send(digest, load);
    },
    detach() {
      process = undefined;
      for (const [digest, load] of [...loads]) {
        if (load.state === 'done') loads.delete(digest);
        if (load.state !== 'sent') continue;
        load.state = 'wanted';
        load.losses += 1;
        if (load.losses >= lossesAllowed) reject(digest, 'the runner ended while it compiled');
      }
    },
    wanted: () => [...loads.values()].some(({ state }) => state === 'wanted'),
  };
}
