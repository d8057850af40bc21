import { expect, test } from 'vitest';
import { mqttParamsSchema } from '../function/triggers.ts';
import { deriveClientId } from './listeners.ts';

const idFor = (params: object) =>
  deriveClientId('skerry-t', mqttParamsSchema.parse({ host: 'broker', topic: 'a/#', ...params }));

test('a subscription has a session of its own; what can change in a session keeps it', () => {
  const before = idFor({});
  expect(before).toMatch(/^skerry-t-[0-9a-f]{8}$/);
  for (const same of [{}, { qos: 2 }, { concurrency: 3 }, { username: 'u' }]) expect(idFor(same)).toBe(before);
  const others = [{ topic: 'b' }, { host: 'other' }, { port: 1884 }, { share: 'group' }].map(idFor);
  expect(new Set([before, ...others]).size).toBe(5);
});
