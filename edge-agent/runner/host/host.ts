/** The runner's main thread: frames of the agent become work for the pool, and results go back in batches. */
import type { Socket } from 'node:net';
import { createFrameReader, createFrameWriter } from '../protocol/framing.ts';
import {
  decodeLoad,
  encodeLoaded,
  encodeThreads,
  kinds,
  readCallHead,
  readDigest,
  readNumber,
} from '../protocol/wire.ts';
import { createBundles } from './threads/bundles.ts';
import { createPool } from './threads/pool.ts';

/** Settings that the agent gives to the process, as JSON in its first argument. */
export type HostSettings = {
  /** Most threads. */
  readonly threads: number;
  /** Milliseconds after which an idle thread is ended. */
  readonly idleMs: number;
};

export function runHost({ pipe, settings, script }: { pipe: Socket; settings: HostSettings; script: URL }): void {
  const send = createFrameWriter((bytes) => pipe.write(bytes));
  const bundles = createBundles();
  const pool = createPool({
    script,
    size: settings.threads,
    idleMs: settings.idleMs,
    bundles,
    reply: send,
    onThreads: (count, ended) => send(encodeThreads(count, ended)),
  });

  const load = async (content: Buffer) => {
    const { digest, header, modules } = decodeLoad(content);
    try {
      await bundles.compile(digest, header, modules);
      send(encodeLoaded(digest));
    } catch (error) {
      send(encodeLoaded(digest, String(error)));
    }
  };

  const read = createFrameReader((content) => {
    switch (content[0]) {
      case kinds.load:
        void load(content);
        return;
      case kinds.unload: {
        const digest = readDigest(content);
        bundles.delete(digest);
        pool.forget(digest);
        return;
      }
      case kinds.call: {
        const { seq, digest, timeoutMs } = readCallHead(content);
        pool.submit({ seq, digest, content: Uint8Array.from(content) }, timeoutMs);
        return;
      }
      case kinds.cancel:
        pool.cancel(readNumber(content));
        return;
      case kinds.part:
      case kinds.credit:
      case kinds.reply:
        return pool.forward(Uint8Array.from(content), readNumber(content));
      default:
        throw new Error(`a frame of unknown kind ${content[0]}`);
    }
  });

  pipe.on('data', read);
  // The agent is gone, and with it every caller.
  pipe.on('close', () => process.exit());
  pipe.on('error', () => process.exit(1));
}
