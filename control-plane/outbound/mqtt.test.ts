/** The client of cloud triggers: forbidden addresses, and its reasons for failures. */
import { systemClock } from '@skerry/shared/clock.ts';
import { mqttParamsSchema } from '@skerry/shared/function/triggers.ts';
import { createMqttListener } from '@skerry/shared/mqtt/listener.ts';
import { expect, onTestFinished, test } from 'vitest';
import { createTestIntake } from '../../test/harness/mqtt/memory-intake.ts';
import { startMosquitto } from '../../test/harness/mqtt/mosquitto.ts';
import { loadMqtt } from './mqtt.ts';

function listen(params: Record<string, unknown>) {
  const listener = createMqttListener({
    trigger: 't',
    function: 'f',
    params: mqttParamsSchema.parse({ topic: 'a', ...params }),
    clientId: 'skerry-t',
    fresh: false,
    load: loadMqtt,
    intake: createTestIntake(),
    clock: systemClock,
    random: () => 0.1,
  });
  onTestFinished(() => listener.stop(false));
  return listener;
}

test.each(['169.254.169.254', '::ffff:169.254.169.254', '2852039166'])('does not connect to %s', async (host) => {
  const listener = listen({ host });
  await expect.poll(() => listener.state.error).toMatch(/is a forbidden address/);
  expect(listener.state.state).toBe('failing');
});

test('a broker that is absent', async () => {
  const listener = listen({ host: '127.0.0.1', port: 1 });
  await expect.poll(() => listener.state).toMatchObject({ state: 'failing', error: 'connection refused' });
});

test('TLS: connects with its authority and our certificate, and gets a reason without', async () => {
  const broker = await startMosquitto({ tls: 'client' });
  onTestFinished(() => broker.close());
  const { ca = '', client } = broker.certificates ?? {};
  const at = { host: '127.0.0.1', port: broker.tlsPort };
  const good = listen({ ...at, tls: { ca, ...client } });
  await expect.poll(() => good.state.state, { timeout: 10_000 }).toBe('up');
  for (const tls of [true, { ca, ...client, servername: 'another.test' }, { ca, cert: 'no', key: 'no' }]) {
    const listener = listen({ ...at, tls });
    await expect.poll(() => listener.state.error, { timeout: 10_000 }).toMatch(/^TLS: /);
  }
}, 40_000);
