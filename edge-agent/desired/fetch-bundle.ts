/**
 * Fetches bundles: requests missing bytes from where the last transfer stopped, and stores each part as it arrives.
 * Survives a lost tunnel and a restart, because the parts are in the store.
 */
import { SkerryError } from '@skerry/shared/errors.ts';
import type { FrameOf, ToAgent, ToControl } from '@skerry/shared/tunnel/protocol.ts';
import type { AgentStore } from '../storage/store.ts';

/** Largest bundle in bytes; a control plane that announces more is not believed. */
const maxBundleBytes = 256 * 1024 * 1024;
/** Milliseconds without a part after which the fetch fails. */
const stallMs = 30_000;

export type Fetcher = {
  /**
   * Resolves when the whole bundle is in the store. Rejects with `code_unavailable`, at once when there is no tunnel.
   * One at a time.
   */
  fetch(digest: string): Promise<void>;
  /** Gives up on a bundle that is not among these: the newer desired state does not need it. */
  keepOnly(digests: ReadonlySet<string>): void;
  onChunk(frame: FrameOf<ToAgent, 'chunk'>): void;
  onUnavailable(frame: FrameOf<ToAgent, 'unavailable'>): void;
  onUp(): void;
  /** The tunnel ended; stored parts are kept. */
  onDown(): void;
};

export function createFetcher(store: AgentStore, send: (frame: FrameOf<ToControl, 'want'>) => void): Fetcher {
  let current: { digest: string; resolve: () => void; reject: (error: SkerryError) => void } | undefined;
  let stall: NodeJS.Timeout | undefined;
  let up = false;

  const finish = (error?: SkerryError) => {
    clearTimeout(stall);
    const done = current;
    current = undefined;
    if (error) done?.reject(error);
    else done?.resolve();
  };
  const fail = (message: string) => finish(new SkerryError('code_unavailable', message));
  const watch = () => {
    clearTimeout(stall);
    stall = setTimeout(() => fail('no part of the code arrived for too long'), stallMs);
  };

  return {
    fetch(digest) {
      if (!up) return Promise.reject(new SkerryError('code_unavailable', 'there is no tunnel to get the code through'));
      return new Promise((resolve, reject) => {
        current = { digest, resolve, reject };
        watch();
        send({ kind: 'want', digest, offset: store.receivedBytes(digest) });
      });
    },
    onChunk({ digest, offset, total, bytes }) {
      if (digest !== current?.digest) return;
      if (total > maxBundleBytes) return fail(`a bundle of ${total} bytes is too large for an agent`);
      watch();
      store.addChunk(digest, offset, bytes);
      if (store.receivedBytes(digest) < total) return;
      if (store.completeBundle(digest)) finish();
      else fail('the code that arrived does not fit its digest');
    },
    onUnavailable({ digest, message }) {
      if (digest === current?.digest) fail(`the control plane has no such code now: ${message}`);
    },
    keepOnly(digests) {
      if (current && !digests.has(current.digest)) fail('the code is not wanted any more');
    },
    onUp() {
      up = true;
    },
    onDown() {
      up = false;
      fail('the tunnel went down');
    },
  };
}
