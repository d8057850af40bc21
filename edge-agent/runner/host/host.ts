/** The runner's main thread: frames of the agent become work for the pool, results go back in batches. */
import type { Socket } from 'node:net';
import { createFrameReader, createFrameWriter } from '../framing.ts';
import { decodeLoad, encodeLoaded, encodeThreads, kinds, readCallHead, readDigest, readNumber } from '../wire.ts';
import { createBundles } from './bundles.ts';
import { createPool } from './pool.ts';

/** @param options.size threads at most */
export function runHost({ pipe, size, script }: { pipe: Socket; size: number; script: URL }): void {
  const send = createFrameWriter((bytes) => pipe.write(bytes));
  const bundles = createBundles();
  const pool = createPool({
    script,
    size,
    bundles,
    reply: send,
    onSize: (threads) => send(encodeThreads(threads)),
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
      default:
        throw new Error(`a frame of unknown kind ${content[0]}`);
    }
  });

  pipe.on('data', read);
  // The agent is gone, and with it everyone who could want an answer.
  pipe.on('close', () => process.exit());
  pipe.on('error', () => process.exit(1));
}
