/**
 * Code push to one agent: the requested bundles, chunk after chunk. The next chunk waits until the last one has left
 * for the operating system, so that a slow link holds at most one chunk per agent in memory and invocations get in
 * between.
 *
 * At most `maxWants` digests wait; a further one is answered with `unavailable`, and the agent requests it again.
 */
import { toSkerryError } from '@skerry/shared/errors.ts';
import { chunkBytes } from '@skerry/shared/tunnel/protocol.ts';
import type { BundleReader } from '../functions/bundles.ts';
import type { TunnelConnection } from './connect/connection.ts';

const maxWants = 1_000;

type Push = {
  /** The agent requests this bundle from this offset on; replaces its earlier request for the same bundle. */
  request(digest: string, offset: number): void;
};

/** @param mayHave whether the agent's desired state names this bundle: an agent gets no other code */
export function createPush(
  connection: TunnelConnection,
  bundles: Pick<BundleReader, 'read'>,
  mayHave: (digest: string) => boolean,
): Push {
  const wants = new Map<string, number>();
  let sending = false;

  const unavailable = (digest: string, message: string) => {
    wants.delete(digest);
    connection.send({ kind: 'unavailable', digest, message });
  };

  const sendOne = async (digest: string) => {
    const bytes = await bundles.read(digest);
    if (!bytes) return unavailable(digest, 'no such bundle');
    for (;;) {
      const offset = wants.get(digest);
      if (offset === undefined || !connection.open) return;
      if (offset >= bytes.byteLength) return unavailable(digest, `the bundle has ${bytes.byteLength} bytes`);
      const end = Math.min(offset + chunkBytes, bytes.byteLength);
      if (end === bytes.byteLength) wants.delete(digest);
      else wants.set(digest, end);
      await connection.deliver({
        kind: 'chunk',
        digest,
        offset,
        total: bytes.byteLength,
        bytes: bytes.subarray(offset, end),
      });
    }
  };

  const run = async () => {
    sending = true;
    for (const [digest] of wants) {
      if (!connection.open) break;
      try {
        await sendOne(digest);
      } catch (error) {
        unavailable(digest, toSkerryError(error).message);
      }
    }
    sending = false;
  };

  return {
    request(digest, offset) {
      if (!mayHave(digest)) return unavailable(digest, 'this agent must not hold that bundle');
      if (wants.size >= maxWants && !wants.has(digest))
        return unavailable(digest, 'too many bundles are requested at once');
      wants.set(digest, offset);
      if (!sending) void run();
    },
  };
}
