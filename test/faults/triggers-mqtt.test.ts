/** Listening to a real broker through all of its faults; events are stored in memory. */
import { afterEach, describe, expect, test } from 'vitest';
import { isUp, listen as listenTo, numbers, publish } from '../harness/mqtt/listening.ts';
import { createTestIntake } from '../harness/mqtt/memory-intake.ts';
import { type Mosquitto, type MosquittoOptions, startMosquitto } from '../harness/mqtt/mosquitto.ts';
import { startFaultyWire } from '../harness/tunnel/faulty-wire.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function startBroker(options: MosquittoOptions = {}): Promise<Mosquitto> {
  const broker = await startMosquitto(options);
  ends.push(broker.close);
  return broker;
}

function listen(...args: Parameters<typeof listenTo>) {
  const listener = listenTo(...args);
  ends.push(() => listener.stop(false));
  return listener;
}

describe.each(['3.1.1', '5'] as const)('MQTT %s', (version) => {
  test.each([0, 1, 2] as const)('QoS %i: every message arrives, in order, and is acknowledged', async (qos) => {
    const broker = await startBroker();
    const intake = createTestIntake();
    const listener = listen(broker.port, intake, { version, qos });
    await isUp(listener);
    await publish(await broker.client(), 300, { qos });
    await intake.kept(300);
    expect(intake.inputs).toEqual(numbers(300));
    expect(listener.state).toMatchObject({ received: 300, dropped: 0 });
    // Nothing is sent again: all messages were acknowledged.
    await listener.stop(false);
    const after = createTestIntake();
    await isUp(listen(broker.port, after, { version, qos }));
    await publish(await broker.client(), 1, { from: 900, qos: 1 });
    await after.kept(1);
    expect(after.inputs).toEqual([900]);
  });

  test('a persistent session queues messages while disconnected, and delivers all of them at once', async () => {
    const broker = await startBroker({ persistence: false });
    const intake = createTestIntake();
    const first = listen(broker.port, intake, { version });
    await isUp(first);
    await first.stop(false);
    await publish(await broker.client(), 3_000);
    listen(broker.port, intake, { version });
    await intake.kept(3_000);
    expect(intake.inputs).toEqual(numbers(3_000));
  });

  test('a removed listener leaves nothing with the broker', async () => {
    const broker = await startBroker();
    const intake = createTestIntake();
    const first = listen(broker.port, intake, { version });
    await isUp(first);
    await first.stop(true);
    const publisher = await broker.client();
    await publish(publisher, 10);
    await isUp(listen(broker.port, intake, { version }));
    await publish(publisher, 1, { from: 50 });
    await intake.kept(1);
    expect(intake.inputs).toEqual([50]);
  });

  test('10,000 retained messages arrive once: at the first subscription, not at a later one', async () => {
    const broker = await startBroker({ persistence: false });
    const wire = await startFaultyWire(new URL(`http://127.0.0.1:${broker.port}`));
    ends.push(wire.close);
    const publisher = await broker.client();
    await publish(publisher, 10_000, { retain: true, qos: 0 });
    const intake = createTestIntake();
    const listener = listen(Number(wire.url.port), intake, { version, session: 'clean' });
    await intake.kept(10_000, 30_000);
    expect(new Set(intake.inputs).size).toBe(10_000);
    wire.cut();
    await expect.poll(() => wire.connections, { timeout: 10_000 }).toBe(2);
    await isUp(listener);
    await publish(publisher, 1, { from: 20_000 });
    await expect.poll(() => intake.inputs.at(-1), { timeout: 10_000 }).toBe(20_000);
    expect(intake.events).toHaveLength(10_001);
  }, 60_000);

  test('retained "none" and "all"', async () => {
    const broker = await startBroker();
    await publish(await broker.client(), 5, { retain: true });
    const [none, all] = [createTestIntake(), createTestIntake()];
    await isUp(listen(broker.port, none, { version, retained: 'none', session: 'clean' }, 'none'));
    const listener = listen(broker.port, all, { version, retained: 'all', session: 'clean' }, 'all');
    await all.kept(5);
    await broker.restart();
    await isUp(listener);
    await all.kept(10);
    expect(none.events).toEqual([]);
  });

  test('a shared subscription splits the messages', async () => {
    const broker = await startBroker();
    const [one, two] = [createTestIntake(), createTestIntake()];
    await isUp(listen(broker.port, one, { version, share: 'group' }, 'one'));
    await isUp(listen(broker.port, two, { version, share: 'group' }, 'two'));
    await publish(await broker.client(), 100);
    await expect.poll(() => one.events.length + two.events.length).toBe(100);
    expect([...one.inputs, ...two.inputs].sort((a, b) => Number(a) - Number(b))).toEqual(numbers(100));
    expect(Math.min(one.events.length, two.events.length)).toBeGreaterThan(10);
  });
});

describe('a broker', () => {
  test('that is stopped or killed is found again, and nothing is lost', async () => {
    const broker = await startBroker();
    const intake = createTestIntake();
    const listener = listen(broker.port, intake);
    await isUp(listener);
    await publish(await broker.client(), 50);
    await intake.kept(50);
    for (const [round, end] of [broker.stop, broker.kill].entries()) {
      await end();
      await expect
        .poll(() => listener.state, { timeout: 10_000 })
        .toMatchObject({ state: 'failing', error: 'connection refused' });
      await broker.restart();
      await isUp(listener);
      await publish(await broker.client(), 50, { from: 50 + round * 50 });
      // A killed broker may send messages again whose acknowledgement it had not written down.
      const all = new Set(numbers(100 + round * 50));
      await expect.poll(() => new Set(intake.inputs), { timeout: 10_000 }).toEqual(all);
    }
  }, 40_000);

  test('that is absent: failing, and up as soon as it starts', async () => {
    const broker = await startBroker();
    await broker.stop();
    const listener = listen(broker.port, createTestIntake());
    await expect.poll(() => listener.state).toMatchObject({ state: 'failing', error: 'connection refused' });
    await broker.restart();
    await isUp(listener);
    expect(listener.state.error).toBeUndefined();
  });

  test('over a wire that is cut again and again: QoS 2 arrives once each', async () => {
    const broker = await startBroker();
    const wire = await startFaultyWire(new URL(`http://127.0.0.1:${broker.port}`));
    ends.push(wire.close);
    const intake = createTestIntake();
    intake.delayMs = 5;
    const listener = listen(Number(wire.url.port), intake, { qos: 2 });
    await isUp(listener);
    const publisher = await broker.client();
    const publishing = publish(publisher, 500, { qos: 2 });
    for (let cut = 0; cut < 5; cut += 1) {
      await intake.kept((cut + 1) * 60);
      wire.cutAfter(500 + cut * 7);
    }
    await publishing;
    await intake.kept(500);
    await isUp(listener);
    await publish(publisher, 1, { from: 999 });
    await intake.kept(501);
    expect(wire.connections).toBeGreaterThan(3);
    expect(intake.inputs).toEqual([...numbers(500), 999]);
  }, 60_000);

  test('that was cut off while a message was on its way to the disk sends it again, and it is one event', async () => {
    const broker = await startBroker();
    const wire = await startFaultyWire(new URL(`http://127.0.0.1:${broker.port}`));
    ends.push(wire.close);
    const intake = createTestIntake();
    intake.delayMs = 300;
    const listener = listen(Number(wire.url.port), intake);
    await isUp(listener);
    await publish(await broker.client(), 1, { from: 7 });
    await intake.kept(1);
    wire.cut();
    await expect.poll(() => wire.connections, { timeout: 10_000 }).toBe(2);
    await isUp(listener);
    await publish(await broker.client(), 1, { from: 8 });
    await intake.kept(2);
    expect(intake.inputs).toEqual([7, 8]);
    // The first was acknowledged on the second connection, so nothing is left for a third.
    await listener.stop(false);
    const after = createTestIntake();
    await isUp(listen(broker.port, after));
    expect(after.events).toEqual([]);
  });

  test.each([
    ['bad password', { user: { name: 'u', password: 'p' } }, { username: 'u', password: 'x' }, 'not authorized'],
    ['no password, MQTT 5', { user: { name: 'u', password: 'p' } }, { version: '5' }, 'not authorized'],
  ])('that refuses for %s says so', async (_, options, params, error) => {
    const broker = await startBroker(options);
    const listener = listen(broker.port, createTestIntake(), params);
    await expect.poll(() => listener.state, { timeout: 10_000 }).toMatchObject({ state: 'failing', error });
  });

  test('with the right password lets us in', async () => {
    const broker = await startBroker({ user: { name: 'u', password: 'p' } });
    await isUp(listen(broker.port, createTestIntake(), { username: 'u', password: 'p' }));
    expect(broker.port).toBeGreaterThan(0);
  });

  test('with TLS: its authority and our certificate', async () => {
    const broker = await startBroker({ tls: 'client' });
    const { ca, client } = broker.certificates ?? { ca: '', client: { cert: '', key: '' } };
    const port = broker.tlsPort ?? 0;
    const intake = createTestIntake();
    await isUp(listen(port, intake, { tls: { ca, ...client } }, 'good'));
    await isUp(listen(port, createTestIntake(), { tls: { ca, ...client, servername: 'broker.test' } }, 'named'));
    const failing = (tls: unknown, id: string) => {
      const listener = listen(port, createTestIntake(), { tls }, id);
      return expect.poll(() => listener.state, { timeout: 10_000 });
    };
    await failing(true, 'a').toMatchObject({ state: 'failing', error: expect.stringMatching(/^TLS: /) });
    await failing({ ca, ...client, servername: 'another.test' }, 'b').toMatchObject({
      error: 'TLS: the certificate is for another name',
    });
    await failing({ ca }, 'c').toMatchObject({ state: 'failing' });
    await failing({ ca, cert: 'no', key: 'no' }, 'd').toMatchObject({ error: expect.stringMatching(/^TLS: /) });
    await publish(await broker.client(), 1, { from: 3 });
    await intake.kept(1);
    expect(intake.inputs).toEqual([3]);
  }, 40_000);
});

describe('with no room', () => {
  test('the broker holds messages back, reading goes on, and all arrive in order afterwards', async () => {
    const broker = await startBroker();
    const intake = createTestIntake();
    intake.takes = 50;
    const listener = listen(broker.port, intake);
    await isUp(listener);
    const publisher = await broker.client();
    await publish(publisher, 2_000);
    await expect.poll(() => listener.state.state).toBe('holding');
    expect(listener.state.received).toBeLessThanOrEqual(50 + 40);
    // A message without a place is still read, and dropped.
    await publish(publisher, 5, { from: 5_000, qos: 0 });
    await expect.poll(() => listener.state.dropped).toBe(5);
    intake.takes = Number.POSITIVE_INFINITY;
    await intake.kept(2_000);
    expect(intake.inputs).toEqual(numbers(2_000));
    await expect.poll(() => listener.state.state).toBe('up');
  }, 40_000);

  test('with the store away, nothing is answered and nothing is lost', async () => {
    const broker = await startBroker();
    const intake = createTestIntake();
    const listener = listen(broker.port, intake);
    await isUp(listener);
    intake.away = true;
    await publish(await broker.client(), 100);
    await expect
      .poll(() => listener.state)
      .toMatchObject({ state: 'holding', error: 'events cannot be kept now: the store is away' });
    intake.away = false;
    await intake.kept(100);
    expect(intake.inputs).toEqual(numbers(100));
  });
});

describe('payloads', () => {
  test('that are not JSON are counted and acknowledged, and become dead letters on request', async () => {
    const broker = await startBroker();
    const [plain, kept] = [createTestIntake(), createTestIntake()];
    const listeners = [listen(broker.port, plain), listen(broker.port, kept, { dead_letter: true }, 'skerry-dead')];
    for (const listener of listeners) await isUp(listener);
    const publisher = await broker.client();
    await publisher.publishAsync('a/b', '{"cut":', { qos: 1 });
    await publisher.publishAsync('a/b', '1', { qos: 1 });
    await plain.kept(1);
    await kept.kept(2);
    for (const { state } of listeners) {
      expect(state).toMatchObject({ received: 2, dropped: 1, error: 'a message was dropped: the payload is not JSON' });
    }
    expect(plain.inputs).toEqual([1]);
    expect(kept.events[0]).toMatchObject({
      invalid: 'the payload is not JSON',
      input: new Uint8Array(Buffer.from('{"cut":')),
    });
  });

  test('with an id of their own are one event, however often they come', async () => {
    const broker = await startBroker();
    const intake = createTestIntake();
    const listener = listen(broker.port, intake, { message_id: 'meta.id' });
    await isUp(listener);
    const publisher = await broker.client();
    for (const id of ['x', 'y', 'x', 'x']) {
      await publisher.publishAsync('a/b', JSON.stringify({ meta: { id } }), { qos: 1 });
    }
    await expect.poll(() => listener.state.received).toBe(4);
    await intake.kept(2);
    expect(intake.inputs).toEqual([{ meta: { id: 'x' } }, { meta: { id: 'y' } }]);
  });
});
