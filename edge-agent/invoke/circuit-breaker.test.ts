import { expect, test } from 'vitest';
import { createCircuit } from './circuit-breaker.ts';

function start() {
  const clock = { ms: 0 };
  const circuit = createCircuit(() => clock.ms);
  return {
    clock,
    circuit,
    lose(times: number, ...functions: string[]) {
      for (let loss = 0; loss < times; loss++) circuit.lost(functions);
    },
    goWell(times: number, name: string) {
      for (let call = 0; call < times; call++) circuit.ended(name, true);
    },
  };
}

test('a function that ends its runner three times is held back, longer each time, until a call goes well', () => {
  const { clock, circuit, lose } = start();
  for (let strike = 0; strike < 3; strike++) {
    expect(circuit.heldForMs('f')).toBe(0);
    lose(1, 'f');
  }
  expect(circuit.heldForMs('f')).toBe(5_000);
  expect(circuit.held()).toEqual([{ function: 'f', retryInMs: 5_000 }]);
  clock.ms += 5_000;
  expect(circuit.heldForMs('f')).toBe(0);
  expect(circuit.heldForMs('f'), 'one call tries, the others wait for it').toBeGreaterThan(0);
  lose(1, 'f');
  expect(circuit.heldForMs('f')).toBe(10_000);
  clock.ms += 10_000;
  expect(circuit.heldForMs('f')).toBe(0);
  circuit.ended('f', true);
  expect(circuit.heldForMs('f')).toBe(0);
  expect(circuit.held()).toEqual([]);
});

test('it never rests longer than five minutes', () => {
  const { clock, circuit, lose } = start();
  lose(3, 'f');
  for (let opening = 0; opening < 20; opening++) {
    clock.ms += circuit.heldForMs('f');
    circuit.heldForMs('f');
    lose(1, 'f');
  }
  expect(circuit.heldForMs('f')).toBe(300_000);
});

test('losses that are long past do not count', () => {
  const { clock, circuit, lose } = start();
  lose(2, 'f');
  clock.ms += 60_001;
  lose(1, 'f');
  expect(circuit.heldForMs('f')).toBe(0);
});

test('a loss is shared by those who were there, when there is nothing to tell them apart', () => {
  const { circuit, lose } = start();
  lose(8, 'f', 'g', 'h');
  expect(circuit.held()).toEqual([]);
  lose(1, 'f', 'g', 'h');
  expect(circuit.held()).toHaveLength(3);
});

test('a function whose calls go well does not pay for one whose calls end the process', () => {
  const { circuit, lose, goWell } = start();
  for (let loss = 0; loss < 3; loss++) {
    goWell(50, 'neighbour');
    lose(1, 'f', 'neighbour');
  }
  expect(circuit.held().map((held) => held.function)).toEqual(['f']);
});

test('a try that ended with the process for another function is no failure, and one that never ran is none', () => {
  const { clock, circuit, lose, goWell } = start();
  lose(3, 'f');
  clock.ms += 5_000;
  expect(circuit.heldForMs('f')).toBe(0);
  circuit.ended('f', false);
  expect(circuit.heldForMs('f'), 'it did not run, so another one tries').toBe(0);
  goWell(10, 'f');
  expect(circuit.held()).toEqual([]);
  lose(1, 'f', 'g');
  expect(circuit.held()).toEqual([]);
});

test('an update or a removal begins anew', () => {
  const { circuit, lose } = start();
  lose(3, 'f');
  circuit.forget('f');
  expect(circuit.heldForMs('f')).toBe(0);
});

test('a loss is blamed on whoever was alone, or is much more likely than the others, until a call goes well', () => {
  const { circuit, lose, goWell } = start();
  lose(1, 'alone');
  expect(circuit.isBlamed('alone')).toBe(true);
  goWell(1, 'alone');
  expect(circuit.isBlamed('alone')).toBe(false);
  lose(1, 'f', 'g');
  expect([circuit.isBlamed('f'), circuit.isBlamed('g')]).toEqual([false, false]);
  goWell(5, 'f');
  lose(1, 'f', 'g');
  expect([circuit.isBlamed('f'), circuit.isBlamed('g'), circuit.isBlamed('never')]).toEqual([false, true, false]);
});
