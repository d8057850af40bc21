import { expect, test } from 'vitest';
import { blameFor, brokerWindowMs } from './blame.ts';

const kill = 10_000;
/** What the witness knows of event 1; by default that it was never offered. */
const witness = ({ answered = false, offeredSince }: { answered?: boolean; offeredSince?: number }) => ({
  answered: new Set(answered ? [1] : []),
  offered: new Map(offeredSince === undefined ? [] : [[1, offeredSince]]),
});
const blamed = (known: Parameters<typeof witness>[0], at = kill - 5, since = 0) =>
  blameFor(1, { at, since }, { brokerKills: [kill, 2 * kill], witness: witness(known) }).broker;

test('acknowledged just before the kill, and heard of by nobody: the broker lost it', () => {
  expect(blamed({})).toBe(true);
});

test('offered before the kill, and not answered: the broker had to keep it', () => {
  expect(blamed({ offeredSince: kill - 1_000 })).toBe(true);
});

test('what the agent has answered is ours, however short before the kill', () => {
  expect(blamed({ answered: true })).toBe(false);
  expect(blamed({ answered: true, offeredSince: kill - 1_000 })).toBe(false);
});

test('what the broker could still offer after the kill, it has not lost', () => {
  expect(blamed({ offeredSince: kill + 300 })).toBe(false);
});

test('what it had time to write down is no loss of its', () => {
  expect(blamed({}, kill - brokerWindowMs)).toBe(false);
  expect(blamed({}, kill - brokerWindowMs + 1)).toBe(true);
});

test('the sensor may hear of it after the kill, over the connection from before', () => {
  expect(blamed({}, kill + 2)).toBe(true);
  expect(blamed({}, kill + 2, kill + 1)).toBe(false);
});

test('the last process was not killed', () => {
  expect(blamed({}, 2 * kill + 5, 2 * kill + 1)).toBe(false);
});

test('says what is known', () => {
  const known = { brokerKills: [kill], witness: witness({ offeredSince: kill + 300 }) };
  expect(blameFor(1, { at: kill - 5, since: 0 }, known).why).toBe(
    "acknowledged 5.0 ms before the broker's kill, offered to the agent after it, not acknowledged by the agent",
  );
});
