import { expect, test } from 'vitest';
import { mqttParamsSchema } from '../function/triggers.ts';
import { deriveClientId } from './listeners.ts';

const deriveId = (params: object) =>
  deriveClientId('skerry-t', mqttParamsSchema.parse({ host: 'broker', topic: 'a/#', ...params }));

test('another subscription gets another client id, and other changes keep it', () => {
  const before = deriveId({});
  expect(before).toMatch(/^skerry-t-[0-9a-f]{8}$/);
  for (const same of [{}, { qos: 2 }, { concurrency: 3 }, { username: 'u' }]) expect(deriveId(same)).toBe(before);
  const others = [{ topic: 'b' }, { host: 'other' }, { port: 1884 }, { share: 'group' }].map(deriveId);
  expect(new Set([before, ...others]).size).toBe(5);
});
