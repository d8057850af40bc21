import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { DirectoryInUse, lockDirectory } from './lock.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'skerry-lock-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** Another process that holds the lock until it is ended, although it keeps no reference to it. */
async function holder() {
  const code = `
    const { lockDirectory } = await import(${JSON.stringify(join(import.meta.dirname, 'lock.ts'))});
    lockDirectory(${JSON.stringify(directory)});
    gc();
    process.stdout.write('held');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--expose-gc', '--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}

test('a held lock is refused with the pid of its holder, and is free at once when that is killed', async () => {
  const child = await holder();
  expect(() => lockDirectory(directory)).toThrow(DirectoryInUse);
  expect(() => lockDirectory(directory)).toThrow(`is in use by process ${child.pid} on `);
  child.kill('SIGKILL');
  await once(child, 'exit');
  lockDirectory(directory)();
});

test('one process cannot hold it twice; a released lock can be taken again', () => {
  const unlock = lockDirectory(directory);
  expect(() => lockDirectory(directory)).toThrow(`process ${process.pid} `);
  unlock();
  lockDirectory(directory)();
});
