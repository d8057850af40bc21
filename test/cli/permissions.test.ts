/** The command line against a scripted API: capabilities, permissions and logs of functions. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { deployed, manifest } from './answers.ts';
import { readForm } from './fake-api.ts';
import { openCliBench } from './in-process.ts';

test('each capability option replaces its list, and the deploy prints the changes', async () => {
  const permissions = { added: ['HTTP to a.example:443', 'imports wasi:io/poll'], removed: ['HTTP to old.example'] };
  const { run, directory, api } = await openCliBench({
    'GET /v1/fn/_/hello': { json: { data: { ...deployed, manifest } } },
    'PUT /v1/fn/_/hello': { json: { data: { ...deployed, revision: 2, permissions } } },
  });
  await writeFile(join(directory, 'hello.wasm'), 'code');
  const options = ['--allow-http', 'a.example:443', '--dir', '/srv:/data:rw', '--dir', '/etc/x:/x'];
  const more = ['--config', 'unit=C', '--concurrency', '2', '--log-rate', '1KiB', '--body-bytes', '1MiB'];
  const { out } = await run(['fn', 'deploy', 'hello', 'hello.wasm', ...options, ...more]);
  expect(out.split('\n').slice(1)).toEqual([
    '  + imports wasi:io/poll',
    '  + HTTP to a.example:443',
    '  - HTTP to old.example',
    '',
  ]);
  const form = await readForm(api.seen[1] ?? expect.fail('no upload'));
  expect(JSON.parse(String(form.get('manifest')))).toEqual({
    ...manifest,
    limits: { ...manifest.limits, concurrency: 2, log_bytes_per_second: 1024, body_bytes: 1_048_576 },
    capabilities: {
      http: ['a.example:443'],
      networks: ['lan'],
      directories: [
        { host: '/srv', guest: '/data', mode: 'rw' },
        { host: '/etc/x', guest: '/x', mode: 'ro' },
      ],
    },
    config: { unit: 'C' },
  });
  await run(['fn', 'deploy', 'hello', 'hello.wasm', '--no-capabilities', '--allow-http', 'b.example']);
  const second = await readForm(api.seen[3] ?? expect.fail('no upload'));
  expect(JSON.parse(String(second.get('manifest'))).capabilities).toEqual({
    http: ['b.example'],
    networks: [],
    directories: [],
  });
});

test.each([
  [['--dir', '/srv'], /--dir/],
  [['--dir', '/srv:/data:rx'], /--dir/],
  [['--allow-http', 'https://a.example'], /capabilities\.http\.0/],
  [['--allow-network', 'mars'], /capabilities\.networks\.0/],
  [['--dir', '/a/../b:/data'], /capabilities\.directories\.0\.host/],
])('%j is refused with the name of its field', async (options, field) => {
  const { run, directory } = await openCliBench();
  await writeFile(join(directory, 'hello.wasm'), 'code');
  const { code, err } = await run(['fn', 'deploy', 'hello', 'hello.wasm', ...options]);
  expect(code).toBe(2);
  expect(err).toMatch(field);
});

test('fn logs prints a line for each, without control characters, and names agents that did not answer', async () => {
  const line = { agent: 'pi', time: '2026-01-01T00:00:00.000Z', invocation: 'i', revision: 1, source: 'stderr' };
  const data = { lines: [{ ...line, text: 'red \u001b[31m' }], missing: ['slow'] };
  const { run } = await openCliBench({ 'GET /v1/fn/_/hello/logs?limit=5': { json: { data } } });
  expect(await run(['fn', 'logs', 'hello', '--limit', '5'])).toEqual({
    code: 0,
    out: '2026-01-01T00:00:00.000Z pi stderr red \ufffd[31m\n',
    err: 'skerry: no answer from slow\n',
  });
  expect(JSON.parse((await run(['fn', 'logs', 'hello', '--limit', '5', '--json'])).out)).toEqual(data);
});

test('fn get prints permissions and grants, and their differences', async () => {
  const permissions = {
    asks: ['files', 'outgoing HTTP'],
    granted: ['HTTP to a.example', 'network lan'],
    ungranted: ['files'],
    unused: ['network lan'],
  };
  const data = { ...deployed, imports: [], permissions, manifest, agents: [] };
  const { run } = await openCliBench({ 'GET /v1/fn/_/hello': { json: { data } } });
  const { out } = await run(['fn', 'get', 'hello']);
  expect(out).toContain('asks for     files, outgoing HTTP\n');
  expect(out).toContain('granted      HTTP to a.example, network lan\n');
  expect(out).toMatch(/^not granted {2}files: /m);
  expect(out).toMatch(/^not needed {3}network lan: /m);
});
