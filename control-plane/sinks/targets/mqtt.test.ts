/** An MQTT sink against a real broker. */
import { mqttSinkParamsSchema } from '@skerry/shared/function/sinks.ts';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { type Mosquitto, type MosquittoOptions, startMosquitto } from '../../../test/harness/mqtt/mosquitto.ts';
import { startRudeBroker } from '../../../test/harness/mqtt/rude-broker.ts';
import { openMqtt } from './mqtt.ts';
import type { OpenSink, SinkDocument } from './open-sink.ts';

let broker: Mosquitto | undefined;
afterEach(async () => {
  await broker?.close();
  broker = undefined;
});

async function start(options: MosquittoOptions = {}): Promise<Mosquitto> {
  broker = await startMosquitto(options);
  return broker;
}

function open(params: Record<string, unknown>, timeoutMs?: number): OpenSink {
  const sink = openMqtt(mqttSinkParamsSchema.parse({ host: '127.0.0.1', topic: 'out', ...params }), timeoutMs);
  onTestFinished(() => sink.close());
  return sink;
}

const never = new AbortController().signal;
const documents = (count: number): SinkDocument[] =>
  Array.from({ length: count }, (_, n) => ({ id: `id-${n}`, json: JSON.stringify({ n }) }));
const all = (count: number, kind: string) => new Array(count).fill(expect.objectContaining({ kind }));

async function listen(mosquitto: Mosquitto, topic = 'out'): Promise<string[]> {
  const client = await mosquitto.client();
  const got: string[] = [];
  client.on('message', (_, payload) => got.push(payload.toString()));
  await client.subscribeAsync(topic, { qos: 2 });
  return got;
}

describe.each(['3.1.1', '5'])('MQTT %s', (version) => {
  test.each([0, 1, 2])('publishes in order, QoS %i', async (qos) => {
    const mosquitto = await start();
    const got = await listen(mosquitto);
    const sink = open({ port: mosquitto.port, version, qos });
    expect(await sink.deliver(documents(100), never)).toEqual({ verdicts: all(100, 'taken') });
    await expect.poll(() => got).toEqual(documents(100).map(({ json }) => json));
  });

  test('a wrong password is the sink’s fault, and a broker that is gone', async () => {
    const mosquitto = await start({ user: { name: 'ada', password: 'right' } });
    const wrong = await open({ port: mosquitto.port, version, username: 'ada', password: 'wr0ng' }).deliver(
      documents(2),
      never,
    );
    expect(wrong.verdicts).toEqual([undefined, undefined]);
    expect(wrong.down?.reason).toMatch(/not auth/i);
    expect(JSON.stringify(wrong)).not.toContain('wr0ng');
    const sink = open({ port: mosquitto.port, version, username: 'ada', password: 'right' });
    expect(await sink.deliver(documents(1), never)).toEqual({ verdicts: all(1, 'taken') });
    await mosquitto.stop();
    const gone = await sink.deliver(documents(2), never);
    expect(gone).toMatchObject({ verdicts: [undefined, undefined], down: { reason: 'the connection was refused' } });
    await mosquitto.restart();
    expect(await sink.deliver(documents(1), never)).toEqual({ verdicts: all(1, 'taken') });
  });

  test('a message that the broker refuses is the document’s fault', async () => {
    const mosquitto = await start({ config: ['message_size_limit 1000', 'max_packet_size 2000'] });
    const sink = open({ port: mosquitto.port, version });
    const large = { id: 'large', json: JSON.stringify({ large: 'x'.repeat(5_000) }) };
    const result = await sink.deliver([large], never);
    expect(result.verdicts).toEqual([expect.objectContaining({ kind: version === '5' ? 'refused' : 'again' })]);
    expect(result.down).toBeUndefined();
    expect(await sink.deliver(documents(1), never)).toEqual({ verdicts: all(1, 'taken') });
  });
});

test('retained, over TLS with an authority of its own', async () => {
  const mosquitto = await start({ tls: 'server' });
  const { ca } = mosquitto.certificates ?? {};
  const to = { port: mosquitto.tlsPort, retain: true };
  const untrusted = await open({ ...to, tls: true }).deliver(documents(1), never);
  expect(untrusted.down?.reason).toMatch(/certificate|self/i);
  expect(await open({ ...to, tls: { ca: String(ca) } }).deliver(documents(1), never)).toEqual({
    verdicts: all(1, 'taken'),
  });
  const got = await listen(mosquitto);
  await expect.poll(() => got).toEqual(['{"n":0}']);
});

test('a broker that accepts the connection and then sends nothing', async () => {
  const mosquitto = await start();
  const sink = open({ port: mosquitto.port }, 300);
  expect(await sink.deliver(documents(1), never)).toEqual({ verdicts: all(1, 'taken') });
  process.kill(mosquitto.process.pid, 'SIGSTOP');
  try {
    const result = await sink.deliver(documents(2), never);
    expect(result.verdicts).toEqual([undefined, undefined]);
    expect(result.down?.reason).toMatch(/does not acknowledge/);
  } finally {
    process.kill(mosquitto.process.pid, 'SIGCONT');
  }
});

test('the sink leaves a broker that sends a large packet', async () => {
  const endless = Buffer.concat([Buffer.of(0x32, 0xff, 0xff, 0xff, 0x7f), Buffer.alloc(100 * 1024)]);
  const rude = await startRudeBroker({
    instead(socket) {
      socket.write(Buffer.of(0x20, 2, 0, 0));
      socket.write(endless);
    },
  });
  onTestFinished(rude.close);
  const { verdicts, down } = await open({ port: rude.port }).deliver(documents(2), never);
  expect(verdicts).toEqual([undefined, undefined]);
  expect(down).toEqual({ reason: 'the broker sends a packet that is too large' });
});
