import { expect, test } from 'vitest';
import { createClaims, createGiver, createTaker } from './claims.ts';

test('a call belongs to exactly one side', () => {
  const memory = createClaims();
  const giver = createGiver(memory);
  const taker = createTaker(memory);
  const [first, second, third] = [giver.give(), giver.give(), giver.give()];
  expect(taker.claim()).toBe(true);
  expect(giver.takeBack(first)).toBe(false);
  expect(giver.takeBack(second)).toBe(true);
  expect(taker.claim()).toBe(false);
  expect(taker.claim()).toBe(true);
  expect(giver.takeBack(third)).toBe(false);
});

test('a slot is not used again before the thread has gone past it', () => {
  const memory = createClaims();
  const giver = createGiver(memory);
  const taker = createTaker(memory);
  const tickets: number[] = [];
  while (giver.hasRoom()) {
    const ticket = giver.give();
    giver.takeBack(ticket);
    tickets.push(ticket);
  }
  expect(tickets).toHaveLength(63);
  expect(taker.claim()).toBe(false);
  expect(giver.hasRoom()).toBe(true);
});
