/** The command line against a scripted API: options and output. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import packageJson from '@skerry/cli/package.json' with { type: 'json' };
import { describe, expect, test } from 'vitest';
import { deployed, manifest } from './answers.ts';
import { readForm } from './fake-api.ts';
import { openCliBench } from './in-process.ts';

describe('results', () => {
  test('lists print a table for people, and the same data as JSON', async () => {
    const { run, api } = await openCliBench({ 'GET /v1/fn': { json: { data: [{ name: 'b' }, { name: '_' }] } } });
    expect(await run(['mod', 'list'])).toEqual({ code: 0, out: '_\nb\n', err: '' });
    expect((await run(['mod', 'list', '--json'])).out).toBe('[{"name":"b"},{"name":"_"}]\n');
    expect((await run(['--json', 'mod', 'list'])).out).toBe('[{"name":"b"},{"name":"_"}]\n');
    expect(api.seen[0]?.headers.authorization).toBe('Bearer sk_test');
  });

  test('table columns are aligned', async () => {
    const { run } = await openCliBench({
      'GET /v1/agents': {
        json: {
          data: [
            {
              id: '1',
              name: 'pi',
              labels: { site: 'oslo' },
              version: '0.1.0',
              online: true,
              online_since: '2026-01-01T00:00:00Z',
              memory_available_bytes: 1_610_612_736,
              draining: false,
              outbox: { events: 2, outcomes: 3, bytes: 9, limit_bytes: 99, dropped: 0, damaged: 0 },
              running: 3,
              generation: { desired: 7, applied: 6 },
            },
          ],
        },
      },
    });
    const { out } = await run(['agent', 'list']);
    expect(out.split('\n').slice(0, 2)).toEqual([
      'NAME  STATE   FREE MEMORY  RUNNING  APPLIED  OUTBOX  VERSION  LABELS',
      'pi    online  1.5 GiB      3        6 of 7   5       0.1.0    site=oslo',
    ]);
  });

  test('creating a subject or a join token prints the token alone on standard output', async () => {
    const { run, api } = await openCliBench({
      'POST /v1/admin/subjects': { status: 201, json: { data: { name: 'ada', role: 'user', token: 'sk_new' } } },
      'POST /v1/agents/tokens': { status: 201, json: { data: { id: '1', token: 'sj_new' } } },
    });
    expect((await run(['subject', 'create', 'ada'])).out).toBe('sk_new\n');
    expect((await run(['agent', 'token', '--uses', '3', '--expires', '30m', '--label', 'a=b'])).out).toBe('sj_new\n');
    expect(JSON.parse(String(api.seen[1]?.body))).toEqual({ uses: 3, expires_in_seconds: 1800, labels: { a: 'b' } });
    const { err } = await run(['agent', 'token']);
    expect(err).toBe(`On the device: SKERRY_JOIN_TOKEN=<this token> skerry agent --server ${api.url}\n`);
  });
});

describe('invoke', () => {
  const answers = {
    'POST /v1/fn/_/hello': {
      json: { data: { greeting: 'Hello, Ada!' } },
      headers: {
        'x-skerry-agent': 'pi',
        'x-skerry-duration-us': '420',
        'x-skerry-cold': '1',
        'x-skerry-revision': '2',
      },
    },
  };

  test.each([
    ['-j', ['-j', '{"name":"Ada"}'], ''],
    ['-a', ['-a', 'name=Ada'], ''],
    ['--data -', ['--data', '-'], '{"name":"Ada"}'],
    ['--data @file', ['--data', '@args.json'], ''],
  ])('fn invoke takes arguments by %s', async (_, options, input) => {
    const { run, directory, api } = await openCliBench(answers);
    await writeFile(join(directory, 'args.json'), '{"name":"Ada"}');
    const result = await run(['fn', 'invoke', 'hello', ...options], { input });
    expect(result).toEqual({ code: 0, out: '{\n  "greeting": "Hello, Ada!"\n}\n', err: '' });
    expect(JSON.parse(String(api.seen[0]?.body))).toEqual({ args: { name: 'Ada' } });
  });

  test('--json adds the agent and the duration', async () => {
    const { run } = await openCliBench(answers);
    const { out } = await run(['fn', 'invoke', 'hello', '--json']);
    expect(JSON.parse(out)).toMatchObject({
      data: { greeting: 'Hello, Ada!' },
      agent: 'pi',
      duration_us: 420,
      cold: true,
    });
  });

  test('fn invoke refuses input that is not JSON before it sends anything', async () => {
    const { run, api } = await openCliBench(answers);
    const { code, err } = await run(['fn', 'invoke', 'hello', '-j', '{name']);
    expect(code).toBe(2);
    expect(err).toMatch(/^skerry: --json-args is not JSON: .*\n$/);
    expect(api.seen).toEqual([]);
  });
});

describe('deploy', () => {
  test('fn deploy creates a new function, and says how many agents have it', async () => {
    const { run, directory, api } = await openCliBench({ 'POST /v1/fn/_': { status: 201, json: { data: deployed } } });
    await writeFile(join(directory, 'hello.wasm'), 'code');
    const { code, out, err } = await run(['fn', 'deploy', 'hello', 'hello.wasm', '--no-wait']);
    expect({ code, out }).toEqual({
      code: 0,
      out: 'Created _/hello, revision 1 (skerry:function/handler, 2.0 KiB); 1 of 2 agents have it\n',
    });
    expect(err).toBe('skerry: agent pi-7 cannot load it: bad code (function_load_failed)\n');
    const form = await readForm(api.seen[1] ?? expect.fail('no upload'));
    expect(form.get('name')).toBe('hello');
    expect(form.get('wait_for_workers')).toBe('false');
    expect(form.has('manifest')).toBe(false);
    expect(await (form.get('code') as File).text()).toBe('code');
  });

  test('fn deploy updates a function, and keeps settings that no option names', async () => {
    const { run, directory, api } = await openCliBench({
      'GET /v1/fn/_/hello': { json: { data: { ...deployed, manifest } } },
      'PUT /v1/fn/_/hello': { json: { data: { ...deployed, revision: 2 } } },
    });
    await writeFile(join(directory, 'hello.wasm'), 'code');
    const { out } = await run(['fn', 'deploy', 'hello', 'hello.wasm', '--memory', '32MiB', '--reuse']);
    expect(out).toMatch(/^Updated _\/hello, revision 2 /);
    const form = await readForm(api.seen[1] ?? expect.fail('no upload'));
    expect(JSON.parse(String(form.get('manifest')))).toEqual({
      ...manifest,
      limits: { ...manifest.limits, memory_bytes: 33_554_432 },
      instance: 'reuse',
    });
  });

  test('fn deploy refuses an invalid manifest before it sends anything', async () => {
    const { run, directory, api } = await openCliBench({});
    await writeFile(join(directory, 'hello.wasm'), 'code');
    await writeFile(join(directory, 'manifest.json'), '{"limits":{"timeout_ms":0}}');
    const { code, err } = await run(['fn', 'deploy', 'hello', 'hello.wasm', '--manifest', 'manifest.json']);
    expect(code).toBe(2);
    expect(err).toMatch(/^skerry: manifest: limits\.timeout_ms: .*\n$/);
    expect(api.seen.map(({ method }) => method)).toEqual(['GET']);
  });

  test('a missing file', async () => {
    const { run } = await openCliBench();
    const { code, err } = await run(['fn', 'deploy', 'hello', 'missing.wasm']);
    expect(code).toBe(2);
    expect(err).toMatch(/^skerry: cannot read missing\.wasm: .*\n$/);
  });
});

test.each(['--version', '-v'])('%s', async (flag) => {
  const { run } = await openCliBench();
  expect(await run([flag])).toEqual({ code: 0, out: `${packageJson.version}\n`, err: '' });
});

test('fn get says "not known" for an offline agent', async () => {
  const { run } = await openCliBench({
    'GET /v1/fn/_/hello': {
      json: {
        data: {
          ...deployed,
          imports: [],
          permissions: { asks: [], granted: [], ungranted: [], unused: [] },
          manifest,
          agents: [
            { id: '1', name: 'pi', online: false, holds: null },
            { id: '2', name: 'pj', online: false, holds: false },
            { id: '3', name: 'pk', online: true, holds: true, state: 'ready' },
            { id: '4', name: 'pl', online: true, holds: true, state: 'held_back', reason: 'ends', retry_in_ms: 4_000 },
          ],
        },
      },
    },
  });
  const { out } = await run(['fn', 'get', 'hello']);
  expect(out).toMatch(/^pi +offline +not known while it is offline$/m);
  expect(out).toMatch(/^pj +offline +does not have it yet$/m);
  expect(out).toMatch(/^pk +online +has it$/m);
  expect(out).toMatch(/^pl +online +held back for 4\.0 s: ends$/m);
});

test('the help of skerry shows [options] for the commands that have options of their own', async () => {
  const { run } = await openCliBench();
  const { out } = await run(['--help']);
  const listed = [...out.slice(out.indexOf('\nCommands:')).matchAll(/^ {2}([a-z-]+)( \[options\])? {2}/gm)].filter(
    ([, name]) => name !== 'help',
  );
  expect(listed.length).toBeGreaterThan(9);
  for (const [, name = '', options] of listed) {
    const { out: help } = await run([name, '--help']);
    const own = help.slice(help.indexOf('\nOptions:'), help.indexOf('\nGlobal Options:'));
    expect([name, own.match(/^ {2}-/gm)?.length !== 1]).toEqual([name, options !== undefined]);
  }
});

test.each([
  [[], 2],
  [['--help'], 0],
  [['fn', '--help'], 0],
  [['fn', 'deploy', '--help'], 0],
  [['agent', '--help'], 0],
  [['up', '--help'], 0],
])('%j prints help', async (argv, expected) => {
  const { run } = await openCliBench();
  const { code, out, err } = await run(argv);
  expect(code).toBe(expected);
  expect(out + err).toMatch(/^Usage: skerry/);
  expect(out + err).toMatch(/Options:/);
  expect(out + err).toMatch(/Examples?:/);
});
