import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { protocolHistory, protocolVersion, supportedVersions, toAgentSchema, toControlSchema } from './protocol.ts';

/** SHA-256 of the JSON Schemas of both unions, per version. The message of the test says what to do after a change. */
const hashes: Readonly<Record<number, string>> = {
  1: '1590181b8ff8f5c0',
  2: '4fbd8e96522c850e',
  3: '477f67e9de4ba94d',
};

function computeHash(): string {
  const schemas = [toAgentSchema, toControlSchema].map((schema) => z.toJSONSchema(schema, { unrepresentable: 'any' }));
  return createHash('sha256').update(JSON.stringify(schemas)).digest('hex').slice(0, 16);
}

test('the frames match the protocol version', () => {
  expect(
    computeHash(),
    'Frames have changed. If an older side would misread them, raise protocolVersion, add a line to protocolHistory, ' +
      'keep the version before in supportedVersions, and add the new hash here.',
  ).toBe(hashes[protocolVersion]);
});

test('each version has its line of history, and the current version is supported', () => {
  const versions = Array.from({ length: protocolVersion }, (_, index) => String(index + 1));
  expect(Object.keys(protocolHistory)).toEqual(versions);
  expect(Object.keys(hashes)).toEqual(versions);
  expect(supportedVersions).toContain(protocolVersion);
});
