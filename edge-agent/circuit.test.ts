import { expect, test } from 'vitest';
import { createCircuit } from './circuit.ts';

function start() {
  const clock = { ms: 0 };
  return { clock, circuit: createCircuit(() => clock.ms) };
}

test('a function that ends its runner three times is held back, longer each time, until a call goes well', () => {
  const { clock, circuit } = start();
  for (let strike = 0; strike < 3; strike++) {
    expect(circuit.heldForMs('f')).toBe(0);
    circuit.ended('f', 1);
  }
  expect(circuit.heldForMs('f')).toBe(5_000);
  expect(circuit.held()).toEqual([{ function: 'f', retryInMs: 5_000 }]);
  clock.ms += 5_000;
  expect(circuit.heldForMs('f')).toBe(0);
  expect(circuit.heldForMs('f'), 'one call tries, the others wait for it').toBeGreaterThan(0);
  circuit.ended('f', 1);
  expect(circuit.heldForMs('f')).toBe(10_000);
  clock.ms += 10_000;
  expect(circuit.heldForMs('f')).toBe(0);
  circuit.ended('f', undefined);
  expect(circuit.heldForMs('f')).toBe(0);
  expect(circuit.held()).toEqual([]);
});

test('it never rests longer than five minutes', () => {
  const { clock, circuit } = start();
  for (let strike = 0; strike < 3; strike++) circuit.ended('f', 1);
  for (let opening = 0; opening < 20; opening++) {
    clock.ms += circuit.heldForMs('f');
    circuit.heldForMs('f');
    circuit.ended('f', 1);
  }
  expect(circuit.heldForMs('f')).toBe(300_000);
});

test('losses that are long past do not count, and a shared one counts by its share', () => {
  const { clock, circuit } = start();
  circuit.ended('f', 1);
  circuit.ended('f', 1);
  clock.ms += 60_001;
  circuit.ended('f', 1);
  expect(circuit.heldForMs('f')).toBe(0);
  for (let loss = 0; loss < 8; loss++) circuit.ended('bystander', 3);
  expect(circuit.heldForMs('bystander')).toBe(0);
  circuit.ended('bystander', 3);
  expect(circuit.heldForMs('bystander')).toBeGreaterThan(0);
});

test('an update or a removal begins anew', () => {
  const { circuit } = start();
  for (let strike = 0; strike < 3; strike++) circuit.ended('f', 1);
  circuit.forget('f');
  expect(circuit.heldForMs('f')).toBe(0);
});
