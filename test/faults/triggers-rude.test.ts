/** Listening to a broker that breaks the protocol, or floods us: its effect is bounded, and reported. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Listener } from '@skerry/shared/events/listener.ts';
import { afterEach, expect, test } from 'vitest';
import { listen as listenTo, numbers } from '../harness/mqtt/listening.ts';
import { createTestIntake } from '../harness/mqtt/memory-intake.ts';
import { publishPacket, type RudeBehaviour, startRudeBroker } from '../harness/mqtt/rude-broker.ts';

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

test('that does not answer the subscription, or anything', async () => {
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

test('that floods a listener without room: buffers are bounded, and the listener disconnects', async () => {
  const flood = Buffer.concat(numbers(20_000).map((n) => publishPacket(String(n), { id: n + 1 })));
  const broker = await start({ granted: 1, afterwards: (socket) => void socket.write(flood) });
  const intake = createTestIntake();
  intake.takes = 10;
  const listener = listen(broker.port, intake);
  await isFailing(listener, 'there is no room for what the broker sends', 20_000);
  expect(listener.state.received).toBeLessThanOrEqual(1_100);
  // With room, the listener reconnects.
  expect(broker.connections).toBe(1);
  intake.takes = Number.POSITIVE_INFINITY;
  await expect.poll(() => broker.connections, { timeout: 10_000 }).toBe(2);
}, 40_000);

test('that sends a payload over the limit: dropped and acknowledged', async () => {
  const large = publishPacket(`"${'x'.repeat(5 * 1024 * 1024)}"`, { id: 9 });
  const broker = await start({ granted: 1, afterwards: (socket) => void socket.write(large) });
  const listener = listen(broker.port, createTestIntake());
  await expect.poll(() => listener.state.dropped).toBe(1);
  await expect.poll(() => broker.heard.at(-1)).toEqual(Buffer.of(0x40, 2, 0, 9));
  expect(listener.state.error).toMatch(/more than 4194304 bytes/);
});

test('that sends a message again at once: one event, two acknowledgements', async () => {
  const twice = Buffer.concat([publishPacket('1', { id: 5 }), publishPacket('1', { id: 5, dup: true })]);
  const broker = await start({ granted: 1, afterwards: (socket) => void socket.write(twice) });
  const intake = createTestIntake();
  intake.delayMs = 50;
  listen(broker.port, intake);
  await expect.poll(() => Buffer.concat(broker.heard.slice(1))).toEqual(Buffer.of(0x40, 2, 0, 5, 0x40, 2, 0, 5));
  expect(intake.inputs).toEqual([1]);
});

test('that sends large invalid payloads to a listener without room: they are not buffered', async () => {
  const payload = Buffer.from(`"${'x'.repeat(5 * 1024 * 1024)}"`);
  const packets = 40;
  const large = async (socket: Socket) => {
    socket.write(publishPacket('1', { id: 1 }));
    for (const n of numbers(packets)) {
      // The message's head. The bytes of the payload are shared, so that only the listener's own copies add up.
      const head = publishPacket(payload.toString('latin1'), { id: n + 2 }).subarray(0, -payload.byteLength);
      socket.write(Buffer.from(head));
      if (!socket.write(payload)) await once(socket, 'drain');
    }
  };
  const broker = await start({ granted: 1, afterwards: (socket) => void large(socket) });
  const intake = createTestIntake();
  intake.takes = 0;
  const listener = listen(broker.port, intake);
  await expect.poll(() => listener.state.dropped, { timeout: 20_000 }).toBe(packets);
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const held = () => {
    collect();
    return process.memoryUsage().arrayBuffers;
  };
  await expect.poll(held).toBeLessThan((packets / 2) * payload.byteLength);
  // No message is acknowledged before an earlier one.
  expect(broker.heard).toHaveLength(1);
  intake.takes = 1;
  await expect.poll(() => Buffer.concat(broker.heard.slice(1)).byteLength).toBe((packets + 1) * 4);
}, 60_000);

test('that sends a packet without an end: the listener disconnects', async () => {
  const endless = Buffer.concat([Buffer.of(0x32, 0xff, 0xff, 0xff, 0x7f), Buffer.alloc(17 * 1024 * 1024)]);
  const broker = await start({ granted: 1, afterwards: (socket) => void socket.write(endless) });
  const listener = listen(broker.port, createTestIntake());
  await isFailing(listener, 'the broker sends a packet that is too large');
  expect(listener.state.received).toBe(0);
});

test('cut: the listener disconnects at once, without an acknowledgement, also while it stops, and does not reconnect', async () => {
  const closed = Promise.withResolvers<void>();
  const broker = await start({
    granted: 1,
    afterwards(socket) {
      socket.on('close', () => closed.resolve());
      socket.write(publishPacket('1', { id: 7 }));
    },
  });
  const intake = createTestIntake();
  // Longer than the test: its wave is in progress all the time.
  intake.record = () => new Promise(() => {});
  const listener = listen(broker.port, intake);
  await expect.poll(() => listener.state.received).toBe(1);
  const begun = performance.now();
  const stopped = listener.stop(true);
  listener.cut();
  await Promise.all([closed.promise, stopped]);
  expect(performance.now() - begun).toBeLessThan(1_000);
  // The subscription alone: no acknowledgement, no goodbye, no other connection to end the session.
  expect(broker.heard).toHaveLength(1);
  expect(broker.connections).toBe(1);
});

test('a message whose acknowledgement from the disk was lost is the same event when it is stored again', async () => {
  const broker = await start({ granted: 1, afterwards: (socket) => void socket.write(publishPacket('1')) });
  const intake = createTestIntake();
  let lost = false;
  const listener = listen(broker.port, {
    ...intake,
    async record(event, room) {
      const kept = await intake.record(event, room);
      if (lost) return kept;
      lost = true;
      throw new Error('the answer was lost');
    },
  });
  await expect.poll(() => broker.heard.at(-1)).toEqual(Buffer.of(0x40, 2, 0, 1));
  expect(intake.events).toMatchObject([{ id: expect.any(String), named: false }]);
  expect(listener.state).toMatchObject({ received: 1, dropped: 0 });
});

test.each([
  ['each device has events of its own', {}, 2],
  ['members of a group have the same event', { share: 'group' }, 1],
])('the same named message on two devices: %s', async (_, params, events) => {
  const message = publishPacket('{"id":"x"}');
  const broker = await start({ granted: 1, afterwards: (socket) => void socket.write(message) });
  const intake = createTestIntake();
  const listeners = ['one', 'two'].map((device) =>
    listen(broker.port, intake, { message_id: 'id', ...params }, `skerry-${device}`, device),
  );
  for (const listener of listeners) await expect.poll(() => listener.state.received).toBe(1);
  await expect.poll(() => broker.heard.filter(([kind]) => kind === 0x40)).toHaveLength(2);
  expect(intake.events).toHaveLength(events);
});
