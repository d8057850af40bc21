import { describe, expect, test } from 'vitest';
import { backoffDelay } from '../backoff.ts';
import { createBatch } from './batch.ts';
import { afterClose, closeKinds, closeName, closeReason } from './close.ts';
import { createLiveness, missesAllowed } from './liveness.ts';

describe('backoff', () => {
  const options = { baseMs: 100, capMs: 1_000 };

  test('the ceiling doubles up to the cap, and jitter spreads delays below it', () => {
    expect([1, 2, 3, 4, 5, 50].map((attempt) => backoffDelay(attempt, 1, 0, options))).toEqual([
      100, 200, 400, 800, 1_000, 1_000,
    ]);
    expect(backoffDelay(3, 0, 0, options)).toBe(0);
    expect(backoffDelay(3, 0.5, 0, options)).toBe(200);
  });

  test('the jitter is added to the floor', () => {
    expect(backoffDelay(1, 0, 5_000, options)).toBe(5_000);
    expect(backoffDelay(1, 1, 5_000, options)).toBe(5_100);
  });
});

describe('close codes', () => {
  test('each code has one meaning and one name', () => {
    const codes = Object.values(closeKinds).map((kind) => kind.code);
    expect(new Set(codes).size).toBe(codes.length);
    for (const [name, kind] of Object.entries(closeKinds)) expect(closeName(kind.code)).toBe(name);
  });

  test('unknown codes mean: reconnect', () => {
    expect(afterClose(1006)).toEqual({ next: 'again' });
    expect(closeName(4999)).toBeUndefined();
  });

  test('a reason is cut between characters to the length of a close frame', () => {
    expect(closeReason('short')).toBe('short');
    const reason = closeReason('ü'.repeat(100));
    expect(Buffer.byteLength(reason)).toBe(122);
    expect(reason).toMatch(/^ü+$/);
  });
});

describe('liveness', () => {
  test('a peer is dead after the allowed misses, and a frame starts the count over', () => {
    const liveness = createLiveness();
    for (let n = 1; n <= missesAllowed; n++) expect(liveness.tick()).toBe(n);
    liveness.heard();
    for (let n = 0; n < missesAllowed; n++) expect(liveness.tick()).not.toBe('dead');
    expect(liveness.tick()).toBe('dead');
  });
});

describe('batch', () => {
  const bytes = (...values: number[]) => new Uint8Array(values);

  function record(limit?: number) {
    const messages: number[][] = [];
    const deferred: (() => void)[] = [];
    const batch = createBatch(
      (message) => messages.push([...message]),
      (flush) => deferred.push(flush),
      limit,
    );
    return { batch, messages, turn: () => deferred.splice(0).forEach((flush) => void flush()) };
  }

  test('the frames of one turn leave as one message, in order', () => {
    const { batch, messages, turn } = record();
    batch.add(bytes(1));
    batch.add(bytes(2, 3));
    expect(messages).toEqual([]);
    turn();
    batch.add(bytes(4));
    turn();
    expect(messages).toEqual([[1, 2, 3], [4]]);
  });

  test('a message stays within the limit', () => {
    const { batch, messages, turn } = record(3);
    for (const n of [1, 2, 3, 4]) batch.add(bytes(n));
    turn();
    expect(messages).toEqual([[1, 2, 3], [4]]);
  });

  test('a flush without frames sends nothing', () => {
    const { batch, messages, turn } = record();
    batch.add(bytes(1));
    batch.flush();
    turn();
    expect(messages).toEqual([[1]]);
  });
});
