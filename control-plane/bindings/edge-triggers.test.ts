import { triggerSchema } from '@skerry/shared/function/triggers.ts';
import { expect, test } from 'vitest';
import type { CatalogFunction } from '../model/catalog-function.ts';
import { createEdgeTriggers } from './edge-triggers.ts';

test('a secret that is too long for a password leaves out its own trigger, and no other', () => {
  const params = { host: 'b', topic: 't', placement: 'edge', password_secret: 's' };
  const spec = triggerSchema.parse({ type: 'mqtt', params });
  const triggers = ['long', 'short'].map((id) => ({ id, spec, sealed: undefined, createdAt: new Date(0) }));
  const told: unknown[] = [];
  const edgeTriggers = createEdgeTriggers(
    {
      ready: ({ id, spec: { type, params: named } }) => {
        const { password_secret: _, ...given } = named as Record<string, unknown>;
        return { id, type, params: { ...given, password: 'p'.repeat(id === 'long' ? 4_097 : 10) } } as never;
      },
    },
    { warn: (about: unknown) => void told.push(about) } as never,
  );
  const fn = { module: '_', name: 'f', triggers } as unknown as CatalogFunction;
  expect(edgeTriggers(fn)).toMatchObject([{ id: 'short' }]);
  expect(told).toMatchObject([{ trigger: 'long', message: expect.not.stringContaining('pppp') }]);
});
