/** A process that writes invalid bytes to its pipe: it ends, and the agent goes on. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startRunnerProcess } from './process.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'skerry-process-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Starts a process that writes these bytes and stays. Resolves with its end, its frames, and the log. */
async function run(bytes: readonly number[], onFrame: (content: Buffer) => void) {
  const script = join(folder, 'runner.mjs');
  writeFileSync(
    script,
    `import { writeSync } from 'node:fs';
     writeSync(3, Uint8Array.from(${JSON.stringify(bytes)}));
     setInterval(() => {}, 1_000);`,
  );
  const frames: string[] = [];
  const logged: string[] = [];
  const { promise, resolve } = Promise.withResolvers<string>();
  const child = startRunnerProcess({
    script,
    settings: { threads: 1, idleMs: 1_000 },
    group: undefined,
    log: pino({ level: 'error' }, { write: (line: string) => logged.push(JSON.parse(line).msg) }),
    onFrame(content) {
      frames.push(content.toString());
      onFrame(content);
      if (content.toString() === 'last') child.kill();
    },
    onExit: resolve,
  });
  return { end: await promise, frames, logged };
}
const frame = (text: string) => [text.length, 0, 0, 0, ...Buffer.from(text)];

test('a frame over the limit ends it, with the reason', async () => {
  const { end, frames, logged } = await run([...frame('first'), 255, 255, 255, 255], () => {});
  expect(end).toMatch(/^SIGKILL: it broke its protocol: a frame of 4294967295 bytes/);
  expect(frames).toEqual(['first']);
  expect(logged).toEqual(['the runner broke its protocol']);
});

test('an invalid frame ends it, and no later frame is read', async () => {
  const { end, frames } = await run([...frame('bad'), ...frame('next')], () => {
    throw new RangeError('a frame of no kind');
  });
  expect(end).toMatch(/^SIGKILL: it broke its protocol: a frame of no kind/);
  expect(frames).toEqual(['bad']);
});

test('a process that follows the protocol ends for its own reasons', async () => {
  const { end, frames, logged } = await run([...frame('first'), ...frame('last')], () => {});
  expect(end).toBe('SIGKILL');
  expect(frames).toEqual(['first', 'last']);
  expect(logged).toEqual([]);
});
