import { expect, test } from 'vitest';
import { createCircuitBreaker } from './circuit-breaker.ts';

function start() {
  const clock = { ms: 0 };
  const circuitBreaker = createCircuitBreaker(() => clock.ms);
  return {
    clock,
    circuitBreaker,
    lose(times: number, ...functions: string[]) {
      for (let loss = 0; loss < times; loss++) circuitBreaker.lost(functions);
    },
    goWell(times: number, name: string) {
      for (let call = 0; call < times; call++) circuitBreaker.ended(name, true);
    },
  };
}

test('a function that ends its runner three times is held back, longer each time, until a call succeeds', () => {
  const { clock, circuitBreaker, lose } = start();
  for (let strike = 0; strike < 3; strike++) {
    expect(circuitBreaker.heldForMs('f')).toBe(0);
    lose(1, 'f');
  }
  expect(circuitBreaker.heldForMs('f')).toBe(5_000);
  expect(circuitBreaker.held()).toEqual([{ function: 'f', retryInMs: 5_000 }]);
  clock.ms += 5_000;
  expect(circuitBreaker.heldForMs('f')).toBe(0);
  expect(circuitBreaker.heldForMs('f'), 'one call is a trial, and the others wait for it').toBeGreaterThan(0);
  lose(1, 'f');
  expect(circuitBreaker.heldForMs('f')).toBe(10_000);
  clock.ms += 10_000;
  expect(circuitBreaker.heldForMs('f')).toBe(0);
  circuitBreaker.ended('f', true);
  expect(circuitBreaker.heldForMs('f')).toBe(0);
  expect(circuitBreaker.held()).toEqual([]);
});

test('a function is held back for at most five minutes', () => {
  const { clock, circuitBreaker, lose } = start();
  lose(3, 'f');
  for (let opening = 0; opening < 20; opening++) {
    clock.ms += circuitBreaker.heldForMs('f');
    circuitBreaker.heldForMs('f');
    lose(1, 'f');
  }
  expect(circuitBreaker.heldForMs('f')).toBe(300_000);
});

test('losses of long ago do not count', () => {
  const { clock, circuitBreaker, lose } = start();
  lose(2, 'f');
  clock.ms += 60_001;
  lose(1, 'f');
  expect(circuitBreaker.heldForMs('f')).toBe(0);
});

test('functions share a loss when nothing tells them apart', () => {
  const { circuitBreaker, lose } = start();
  lose(8, 'f', 'g', 'h');
  expect(circuitBreaker.held()).toEqual([]);
  lose(1, 'f', 'g', 'h');
  expect(circuitBreaker.held()).toHaveLength(3);
});

test('a function whose calls succeed is not charged for one whose calls end the process', () => {
  const { circuitBreaker, lose, goWell } = start();
  for (let loss = 0; loss < 3; loss++) {
    goWell(50, 'neighbour');
    lose(1, 'f', 'neighbour');
  }
  expect(circuitBreaker.held().map((held) => held.function)).toEqual(['f']);
});

test('a trial that ended with the process because of another function is no failure, nor is one that never ran', () => {
  const { clock, circuitBreaker, lose, goWell } = start();
  lose(3, 'f');
  clock.ms += 5_000;
  expect(circuitBreaker.heldForMs('f')).toBe(0);
  circuitBreaker.ended('f', false);
  expect(circuitBreaker.heldForMs('f'), 'it did not run, so another call is the trial').toBe(0);
  goWell(10, 'f');
  expect(circuitBreaker.held()).toEqual([]);
  lose(1, 'f', 'g');
  expect(circuitBreaker.held()).toEqual([]);
});

test('an update or a removal starts from zero', () => {
  const { circuitBreaker, lose } = start();
  lose(3, 'f');
  circuitBreaker.forget('f');
  expect(circuitBreaker.heldForMs('f')).toBe(0);
});

test('a loss is blamed on a function that was alone, or much more likely than the others, until a call succeeds', () => {
  const { circuitBreaker, lose, goWell } = start();
  lose(1, 'alone');
  expect(circuitBreaker.isBlamed('alone')).toBe(true);
  goWell(1, 'alone');
  expect(circuitBreaker.isBlamed('alone')).toBe(false);
  lose(1, 'f', 'g');
  expect([circuitBreaker.isBlamed('f'), circuitBreaker.isBlamed('g')]).toEqual([false, false]);
  goWell(5, 'f');
  lose(1, 'f', 'g');
  expect([circuitBreaker.isBlamed('f'), circuitBreaker.isBlamed('g'), circuitBreaker.isBlamed('never')]).toEqual([
    false,
    true,
    false,
  ]);
});
