/** Listening to a broker that breaks the protocol, or floods us: what it can do is bounded, and said. */
import type { Listener } from '@skerry/shared/listener.ts';
import { afterEach, expect, test } from 'vitest';
import { createTestIntake } from '../harness/intake.ts';
import { listen as listenTo, numbers } from '../harness/listening.ts';
import { publishPacket, type RudeBehaviour, startRudeBroker } from '../harness/rude-broker.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function listen(...args: Parameters<typeof listenTo>) {
  const listener = listenTo(...args);
  ends.push(() => listener.stop(false));
  return listener;
}

const start = async (behaviour: RudeBehaviour) => {
  const broker = await startRudeBroker(behaviour);
  ends.push(broker.close);
  return broker;
};
const isFailing = (listener: Listener, error: unknown, timeout = 10_000) =>
  expect.poll(() => listener.state, { timeout }).toMatchObject({ state: 'failing', error });

test('that refuses the subscription: an error, not silence', async () => {
  const broker = await start({ granted: 0x80 });
  await isFailing(listen(broker.port, createTestIntake()), 'subscription refused: refused without a reason');
  expect(broker.connections).toBeGreaterThan(0);
});

test('that does not answer the subscription, or at all', async () => {
  const [deaf, mute] = [await start({}), await start({ instead: () => undefined })];
  const listeners = [deaf, mute].map(({ port }) => listen(port, createTestIntake()));
  for (const listener of listeners) await isFailing(listener, 'the broker does not answer', 15_000);
  expect(listeners.every(({ state }) => state.received === 0)).toBe(true);
}, 40_000);

test('that sends garbage', async () => {
  const broker = await start({ granted: 1, afterwards: (socket) => void socket.write(Buffer.alloc(64, 0xff)) });
  const listener = listen(broker.port, createTestIntake());
  await isFailing(listener, expect.any(String));
  expect(listener.state.received).toBe(0);
});

test('that floods one that has no room: what is held is bounded, and it is left', async () => {
  const flood = Buffer.concat(numbers(20_000).map((n) => publishPacket(String(n), { id: n + 1 })));
  const broker = await start({ granted: 1, afterwards: (socket) => void socket.write(flood) });
  const intake = createTestIntake();
  intake.takes = 10;
  const listener = listen(broker.port, intake);
  await isFailing(listener, 'there is no room for what the broker sends', 20_000);
  expect(listener.state.received).toBeLessThanOrEqual(1_100);
  // With room, it is found again.
  expect(broker.connections).toBe(1);
  intake.takes = Number.POSITIVE_INFINITY;
  await expect.poll(() => broker.connections, { timeout: 10_000 }).toBe(2);
}, 40_000);

test('that sends a payload beyond all limits: dropped and answered', async () => {
  const large = publishPacket(`"${'x'.repeat(5 * 1024 * 1024)}"`, { id: 9 });
  const broker = await start({ granted: 1, afterwards: (socket) => void socket.write(large) });
  const listener = listen(broker.port, createTestIntake());
  await expect.poll(() => listener.state.dropped).toBe(1);
  await expect.poll(() => broker.heard.at(-1)).toEqual(Buffer.of(0x40, 2, 0, 9));
  expect(listener.state.error).toMatch(/more than 4194304 bytes/);
});

test('that sends a message again at once: one event, two answers', async () => {
  const twice = Buffer.concat([publishPacket('1', { id: 5 }), publishPacket('1', { id: 5, dup: true })]);
  const broker = await start({ granted: 1, afterwards: (socket) => void socket.write(twice) });
  const intake = createTestIntake();
  intake.delayMs = 50;
  listen(broker.port, intake);
  await expect.poll(() => Buffer.concat(broker.heard.slice(1))).toEqual(Buffer.of(0x40, 2, 0, 5, 0x40, 2, 0, 5));
  expect(intake.inputs).toEqual([1]);
});
