import { expect, test } from 'vitest';
import { blameFor, brokerWindowMs } from './blame.ts';

const kill = 10_000;
/** The witness's knowledge of event 1; by default it was never offered. */
const witness = ({ answered = false, offeredSince }: { answered?: boolean; offeredSince?: number }) => ({
  answered: new Set(answered ? [1] : []),
  offered: new Map(offeredSince === undefined ? [] : [[1, offeredSince]]),
});
const blamed = (known: Parameters<typeof witness>[0], at = kill - 5, since = 0) =>
  blameFor(1, { at, since }, { brokerKills: [kill, 2 * kill], witness: witness(known) }).broker;

test("an event acknowledged just before the kill that no one else has seen is the broker's loss", () => {
  expect(blamed({})).toBe(true);
});

test('an event offered before the kill and not acknowledged is ours, since the broker had to keep it', () => {
  expect(blamed({ offeredSince: kill - 1_000 })).toBe(true);
});

test('an event that the agent has acknowledged is ours, at any time before the kill', () => {
  expect(blamed({ answered: true })).toBe(false);
  expect(blamed({ answered: true, offeredSince: kill - 1_000 })).toBe(false);
});

test('an event that the broker still offers after the kill is not lost by it', () => {
  expect(blamed({ offeredSince: kill + 300 })).toBe(false);
});

test('an event that the broker had time to write down is not lost by it', () => {
  expect(blamed({}, kill - brokerWindowMs)).toBe(false);
  expect(blamed({}, kill - brokerWindowMs + 1)).toBe(true);
});

test('the sensor may get the acknowledgement after the kill, over the earlier connection', () => {
  expect(blamed({}, kill + 2)).toBe(true);
  expect(blamed({}, kill + 2, kill + 1)).toBe(false);
});

test('the last process was not killed', () => {
  expect(blamed({}, 2 * kill + 5, 2 * kill + 1)).toBe(false);
});

test('the explanation says what is known', () => {
  const known = { brokerKills: [kill], witness: witness({ offeredSince: kill + 300 }) };
  expect(blameFor(1, { at: kill - 5, since: 0 }, known).why).toBe(
    "acknowledged 5.0 ms before the broker's kill, offered to the agent after it, not acknowledged by the agent",
  );
});
