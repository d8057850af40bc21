/**
 * The contract of `OpenSink`, which every type of sink must keep: one verdict per document, a repeat is taken, a peer
 * that is away is no document's fault, and nothing of a password is ever reported.
 */
import type { OpenSink, SinkDocument } from '@skerry/control-plane/sinks/targets/open-sink.ts';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';

/** The other side of a sink: a real server that can stop and come back. */
export type SinkPeer = {
  /** A sink that delivers to this peer, with its credentials. */
  open(): OpenSink;
  /** Ids of the documents that it has, each as often as it would show them to a reader. */
  readIds(): Promise<readonly string[]>;
  /** Refuses connections and breaks those it has. */
  stop(): Promise<void>;
  /** Again at the same address, with the documents it had. */
  restart(): Promise<void>;
  /** Ends it for good. */
  close(): Promise<void>;
};

type OpenSinkContract = {
  readonly start: () => Promise<SinkPeer>;
  /** The password that `open` uses. No result may contain it. */
  readonly password: string;
};

const never = new AbortController().signal;

export function openSinkContract(name: string, { start, password }: OpenSinkContract): void {
  describe(`${name} keeps the contract of OpenSink`, () => {
    let peer: SinkPeer;
    beforeEach(async () => {
      peer = await start();
    });
    afterEach(() => peer.close());

    const open = (): OpenSink => {
      const sink = peer.open();
      onTestFinished(() => sink.close());
      return sink;
    };
    const makeDocuments = (count: number): SinkDocument[] =>
      Array.from({ length: count }, (_, n) => {
        const id = crypto.randomUUID();
        return { id, json: JSON.stringify({ _id: id, id, n }) };
      });
    const taken = (count: number) => new Array(count).fill({ kind: 'taken' });

    test('the sink says how much it takes at once', () => {
      const { batch } = open();
      expect(batch.documents).toBeGreaterThanOrEqual(1);
      expect(batch.bytes).toBeGreaterThanOrEqual(1);
    });

    test('one document and a batch are delivered, with one verdict per document', async () => {
      const sink = open();
      const documents = makeDocuments(20);
      expect((await sink.deliver(documents.slice(0, 1), never)).verdicts).toEqual(taken(1));
      expect(await sink.deliver(documents.slice(1), never)).toEqual({ verdicts: taken(19) });
      await expect.poll(async () => [...(await peer.readIds())].sort()).toEqual(documents.map(({ id }) => id).sort());
    });

    test('a document that is delivered again is taken again', async () => {
      const sink = open();
      const documents = makeDocuments(3);
      await sink.deliver(documents, never);
      expect(await sink.deliver(documents, never)).toEqual({ verdicts: taken(3) });
      const [only] = documents as [SinkDocument];
      expect((await open().deliver([only], never)).verdicts).toEqual(taken(1));
    });

    test('a peer that is away is no document’s fault, and the same sink delivers when it is back', async () => {
      const sink = open();
      await sink.deliver(makeDocuments(1), never);
      await peer.stop();
      const away = await sink.deliver(makeDocuments(2), never);
      expect(away.verdicts).toEqual([undefined, undefined]);
      expect(away.down?.reason).toMatch(/\S/);
      expect(JSON.stringify(away)).not.toContain(password);
      await peer.restart();
      expect((await sink.deliver(makeDocuments(1), never)).verdicts).toEqual(taken(1));
    });

    test('a delivery whose signal has aborted ends without a rejection, and takes no attempt', async () => {
      const { verdicts } = await open().deliver(makeDocuments(2), AbortSignal.abort());
      expect(verdicts).toHaveLength(2);
      expect(verdicts.filter((verdict) => verdict !== undefined && verdict.kind !== 'taken')).toEqual([]);
    });

    test('closing twice is closing once, also before anything was delivered', async () => {
      const sink = peer.open();
      await sink.close();
      await sink.close();
      const used = peer.open();
      await used.deliver(makeDocuments(1), never);
      await used.close();
      await used.close();
      expect(await peer.readIds()).toHaveLength(1);
    });
  });
}
