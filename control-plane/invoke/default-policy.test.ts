import { describe, expect, test } from 'vitest';
import type { Candidate } from './candidate.ts';
import { defaultPolicy } from './default-policy.ts';
import { createReservations } from './reserve.ts';

const MiB = 1024 * 1024;

function agent(id: string, facts: Partial<Candidate> = {}): Candidate {
  return { id, memoryAvailable: 100 * MiB, reserved: 0, running: 0, ready: true, ...facts };
}

function choose(candidates: Candidate[], capacity = MiB, random = () => 0): string {
  const choice = defaultPolicy(candidates, capacity, random);
  return choice.agent ? choice.agent.id : choice.code;
}

describe('default policy', () => {
  test('nobody there', () => {
    expect(choose([])).toBe('no_agent');
  });

  test('the agent with the most available memory wins', () => {
    expect(choose([agent('a'), agent('b', { memoryAvailable: 200 * MiB }), agent('c')])).toBe('b');
  });

  test('memory that calls in flight have reserved is not available', () => {
    const busy = agent('busy', { memoryAvailable: 200 * MiB, reserved: 150 * MiB });
    expect(choose([busy, agent('idle')])).toBe('idle');
  });

  test('capacity is respected', () => {
    expect(choose([agent('a'), agent('b', { memoryAvailable: 300 * MiB })], 200 * MiB)).toBe('b');
    expect(choose([agent('a'), agent('b')], 200 * MiB)).toBe('no_capacity');
    expect(choose([agent('a', { reserved: 99.5 * MiB })], MiB)).toBe('no_capacity');
  });

  test('ties go to the fewest calls in flight, then to chance', () => {
    expect(choose([agent('a', { running: 2 }), agent('b', { running: 1 })])).toBe('b');
    const equal = [agent('a'), agent('b'), agent('c')];
    expect(choose(equal, MiB, () => 0.999)).toBe('a');
    expect(choose(equal, MiB, () => 0)).toBe('c');
  });

  test('the choice among equals is uniform', () => {
    let seed = 1;
    const random = () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    const counts: Record<string, number> = { a: 0, b: 0, c: 0 };
    for (let n = 0; n < 3_000; n++) {
      const id = choose([agent('a'), agent('b'), agent('c')], MiB, random);
      counts[id] = (counts[id] ?? 0) + 1;
    }
    for (const count of Object.values(counts)) expect(count).toBeGreaterThan(900);
  });

  test('an agent that has the code comes before one with more memory', () => {
    expect(choose([agent('late', { memoryAvailable: 500 * MiB, ready: false }), agent('ready')])).toBe('ready');
  });

  test('without any metrics, chance decides', () => {
    const unknown = ['a', 'b'].map((id) => agent(id, { memoryAvailable: undefined }));
    expect(choose(unknown, 999 * MiB, () => 0)).toBe('a');
    expect(choose(unknown, 999 * MiB, () => 0.99)).toBe('b');
  });

  test('an agent without a report is kept, but comes last', () => {
    const silent = agent('silent', { memoryAvailable: undefined });
    expect(choose([silent, agent('b')])).toBe('b');
    expect(choose([silent, agent('b')], 200 * MiB)).toBe('silent');
  });
});

describe('reservations', () => {
  test('a reservation is returned once', () => {
    const reservations = createReservations();
    const first = reservations.take('a', 10);
    const second = reservations.take('a', 5);
    expect(reservations.held('a')).toEqual({ bytes: 15, calls: 2 });
    first();
    first();
    expect(reservations.held('a')).toEqual({ bytes: 5, calls: 1 });
    second();
    expect(reservations.held('a')).toEqual({ bytes: 0, calls: 0 });
    expect(reservations.held('b')).toEqual({ bytes: 0, calls: 0 });
  });
});
