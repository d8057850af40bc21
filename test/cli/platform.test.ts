/** The command line against a real platform: `skerry up` as a process, and commands on it. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { runProgram } from '@skerry/cli/program.ts';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { handlerComponent } from '../harness/fixtures.ts';
import { freePort } from '../harness/free-port.ts';
import { type CliProcess, startCli } from './process.ts';

let directory: string;
let port: number;
let up: CliProcess;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'skerry-cli-'));
  port = await freePort();
  await writeFile(join(directory, 'handler.wasm'), handlerComponent());
  up = startCli(['up', '--port', String(port)], directory);
  await up.printed(/Ctrl-C ends it/);
});

afterAll(async () => {
  up.kill('SIGTERM');
  await up.exited;
  await rm(directory, { recursive: true, force: true });
});

/** Runs a command in the directory of `skerry up`, which is the only hint of the server's address. */
async function run(...argv: string[]) {
  const result = { code: -1, out: '', err: '' };
  result.code = await runProgram(argv, {
    env: {},
    cwd: directory,
    home: directory,
    stdin: Readable.from(['']),
    out: (text) => {
      result.out += text;
    },
    err: (text) => {
      result.err += text;
    },
    onSignal: () => () => undefined,
  });
  return result;
}

async function json<Value>(...argv: string[]): Promise<Value> {
  const { code, out, err } = await run(...argv, '--json');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out) as Value;
}

describe('functions and modules', () => {
  test('deploy, call, update, read, roll back, delete', async () => {
    expect((await run('mod', 'create', 'one')).out).toBe('Created module one\n');
    expect((await run('mod', 'rename', 'one', 'garden')).out).toBe('Renamed module one to garden\n');

    const created = await run('fn', 'deploy', 'echo', 'handler.wasm', '-m', 'garden');
    expect(created).toMatchObject({ code: 0, err: '' });
    expect(created.out).toMatch(/^Created garden\/echo, revision 1 .*; 1 of 1 agents have it\n$/);

    const updated = await run(
      'fn',
      'deploy',
      'echo',
      'handler.wasm',
      '-m',
      'garden',
      '--timeout',
      '2s',
      '--env',
      'A=1',
    );
    expect(updated.out).toMatch(/^Updated garden\/echo, revision 2 /);

    const details = await json<{ manifest: { limits: { timeout_ms: number }; env: object } }>(
      ...['fn', 'get', 'echo', '-m', 'garden'],
    );
    expect(details).toMatchObject({ revision: 2, manifest: { limits: { timeout_ms: 2000 }, env: { A: '1' } } });
    expect(await json('fn', 'list', '-m', 'garden')).toMatchObject([{ name: 'echo', module: 'garden', revision: 2 }]);

    expect((await run('fn', 'rollback', 'echo', '1', '-m', 'garden')).out).toMatch(/^garden\/echo is at revision /);
    expect((await run('fn', 'revisions', 'echo', '-m', 'garden')).out).toContain('current');

    const called = await json<{ agent: string; invocation: string }>(
      ...['fn', 'invoke', 'echo', '-m', 'garden', '-j', '{"echo":1}'],
    );
    expect(called).toMatchObject({ agent: 'local' });

    expect((await run('fn', 'delete', 'echo', '-m', 'garden')).code).toBe(0);
    expect((await run('mod', 'delete', 'garden')).code).toBe(0);
    expect((await run('fn', 'list')).out).not.toContain('echo');
  });

  test('a refusal of the server is printed in one line, with exit code 1', async () => {
    for (const argv of [
      ['fn', 'get', 'nope'],
      ['fn', 'list', '-m', 'nope'],
      ['fn', 'invoke', 'nope'],
      ['fn', 'deploy', 'bad', '.skerry/server-url'],
      ['mod', 'create', 'a/b'],
      ['mod', 'delete', '_'],
      ['agent', 'revoke', 'nobody'],
    ]) {
      const { code, out, err } = await run(...argv);
      expect({ argv, code, out }).toEqual({ argv, code: 1, out: '' });
      expect(err).toMatch(/^skerry: .*\n$/);
    }
  });
});

test('a user may deploy but not administer; rotated and deleted tokens stop working', async () => {
  const token = (await run('subject', 'create', 'ada')).out.trim();
  expect((await run('mod', 'list', '--token', token)).code).toBe(0);
  expect(await run('subject', 'list', '--token', token)).toMatchObject({ code: 1 });

  const rotated = (await run('subject', 'rotate', 'ada')).out.trim();
  expect((await run('mod', 'list', '--token', token)).err).toContain('the token is not valid here');
  expect((await run('mod', 'list', '--token', rotated)).code).toBe(0);

  expect((await run('subject', 'delete', 'ada')).code).toBe(0);
  expect((await run('mod', 'list', '--token', rotated)).code).toBe(1);
});

test('skerry agent joins, keeps its token out of its arguments, and exits with 77 when revoked', async () => {
  const token = (await run('agent', 'token', '--label', 'room=cellar')).out.trim();
  const agent = startCli(
    ['agent', '--server', `http://127.0.0.1:${port}`, '--token', token, '--name', 'second', '--label', 'site=oslo'],
    await mkdtemp(join(directory, 'second-')),
  );
  onTestFinished(() => agent.kill('SIGKILL'));
  await agent.printed(/"msg":"tunnel up"/);

  expect(await json('agent', 'list')).toMatchObject([
    { name: 'local', online: true },
    { name: 'second', online: true, labels: { site: 'oslo', room: 'cellar' } },
  ]);
  expect(await readFile(`/proc/${agent.pid}/cmdline`, 'utf8')).not.toContain(token);

  expect((await run('agent', 'revoke', 'second')).code).toBe(0);
  expect(await agent.exited).toBe(77);
});

test('skerry control-plane passes its settings on, and has the exit code of its process', async () => {
  const controlPlane = startCli(['control-plane', '--port', 'many'], directory, { SKERRY_DRAIN_MS: 'soon' });
  expect(await controlPlane.exited).toBe(2);
  expect(controlPlane.err).toContain('PORT');
  expect(controlPlane.err).toContain('SKERRY_DRAIN_MS');
});

test('up ends everything when the agent ends, and the next up takes the same data', async () => {
  const children = (await readFile(`/proc/${up.pid}/task/${up.pid}/children`, 'utf8')).trim().split(' ').map(Number);
  expect(children).toHaveLength(2);
  const [controlPlane, agent] = children as [number, number];
  process.kill(agent, 'SIGKILL');
  expect(await up.exited).toBe(1);
  expect(up.err).toMatch(/skerry: the agent ended \(SIGKILL\); the last lines of .*agent\.log:\n/);
  expect(() => process.kill(controlPlane, 0)).toThrow('ESRCH');

  up = startCli(['up', '--port', String(port), '--example', 'handler.wasm'], directory);
  await up.printed(/Ctrl-C ends it/);
  await up.printed(/^\{"echo":\{"name":"Ada"\}/);

  up.kill('SIGINT');
  expect(await up.exited).toBe(0);
});

test('up reacts to a signal while a call hangs, and a second signal ends everything at once', async () => {
  const place = await mkdtemp(join(directory, 'hung-'));
  const started = startCli(['up', '--port', String(await freePort()), '--data', place], directory);
  onTestFinished(() => started.kill('SIGKILL'));
  await started.printed(/Starting agent/);
  const children = async () =>
    (await readFile(`/proc/${started.pid}/task/${started.pid}/children`, 'utf8')).trim().split(' ').map(Number);
  await vi.waitFor(async () => expect(await children()).toHaveLength(2), { timeout: 10_000 });
  const [controlPlane, agent] = (await children()) as [number, number];
  process.kill(controlPlane, 'SIGSTOP');

  started.kill('SIGINT');
  await vi.waitFor(() => expect(() => process.kill(agent, 0)).toThrow('ESRCH'), { timeout: 14_000 });
  expect(() => process.kill(controlPlane, 0)).not.toThrow();
  started.kill('SIGINT');
  expect(await started.exited).toBe(0);
  expect(() => process.kill(controlPlane, 0)).toThrow('ESRCH');
}, 30_000);
