/** The control plane as a process: its start, its end, and its files. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

// Each test starts whole processes, most of them with an empty PGlite, which takes seconds.
vi.setConfig({ testTimeout: 90_000 });

const main = join(import.meta.dirname, 'main.ts');
let data: string;
let running: ChildProcess[];

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'skerry-main-'));
  running = [];
});
afterEach(async () => {
  for (const child of running) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await rm(data, { recursive: true, force: true });
});

function start(environment: Record<string, string> = {}) {
  const { PATH = '' } = process.env;
  const child = spawn(process.execPath, [main], {
    env: { PATH, PORT: '0', SKERRY_DATA: data, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.push(child);
  let stdout = '';
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk;
  });
  const port = new Promise<number>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      stdout += `${line}\n`;
      const event = JSON.parse(line) as { msg: string; port: number };
      if (event.msg === 'listening') resolve(event.port);
    });
    child.once('exit', (code) => reject(new Error(`exited with ${code}: ${stderr}`)));
  });
  port.catch(() => undefined);
  const exit = once(child, 'exit').then(([code]) => ({ code: code as number | null, stdout, stderr }));
  return { child, port, exit };
}

async function freePort(): Promise<{ port: number; close: () => void }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

test('first start, a second process on its directory, kill -9, start again, SIGTERM', async () => {
  const first = start();
  const port = await first.port;
  const file = join(data, 'admin-token');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const token = (await readFile(file, 'utf8')).trim();
  expect(token).toMatch(/^sk_[\w-]{43}$/);
  const modules = (at: number) =>
    fetch(`http://127.0.0.1:${at}/v1/fn`, { headers: { authorization: `Bearer ${token}` } });
  expect((await modules(port)).status).toBe(200);

  const second = await start().exit;
  expect(second.code).toBe(1);
  expect(second.stderr).toMatch(/^skerry control-plane: .*db is in use by process \d+ on .*\n$/);
  expect(second.stderr).toContain(`process ${first.child.pid} `);

  first.child.kill('SIGKILL');
  await first.exit;
  const third = start();
  const again = await third.port;
  expect((await modules(again)).status).toBe(200);
  expect((await readFile(file, 'utf8')).trim()).toBe(token);

  third.child.kill('SIGTERM');
  const { code, stdout, stderr } = await third.exit;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('"msg":"stopped"');
  expect(stdout).not.toContain(token);
});

test('wrong settings: every fault in a line, exit code 2', async () => {
  const { code, stderr, stdout } = await start({ PORT: 'x', SKERRY_COLOUR: 'red' }).exit;
  expect(code).toBe(2);
  expect(stdout).toBe('');
  expect(stderr.trim().split('\n')).toEqual([
    'skerry control-plane: SKERRY_COLOUR is not a setting',
    'skerry control-plane: PORT must be a whole number from 0 to 65535, not "x"',
  ]);
});

test('a taken port: one line, exit code 1', async () => {
  const taken = await freePort();
  const { code, stderr } = await start({ PORT: String(taken.port) }).exit;
  taken.close();
  expect(code).toBe(1);
  expect(stderr).toMatch(new RegExp(`^skerry control-plane: .*${taken.port}.*\\n$`));
});

test('no database at the given address: one line without the password, exit code 1', async () => {
  const free = await freePort();
  free.close();
  const { code, stderr } = await start({ DATABASE_URL: `postgres://u:secret@127.0.0.1:${free.port}/x` }).exit;
  expect(code).toBe(1);
  expect(stderr).toMatch(/^skerry control-plane: The database cannot be reached: .*ECONNREFUSED.*\n$/);
  expect(stderr).not.toContain('secret');
});
