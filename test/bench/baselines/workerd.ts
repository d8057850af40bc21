/**
 * workerd, the runtime of Cloudflare Workers, which answers the route of our wasi:http fixture directly. It is not a
 * dependency of the project: the bench installs its version into the project's cache, once.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../harness/free-port.ts';
import { startCommand } from '../../harness/process.ts';

export const workerdVersion = '1.20261117.1';

const cache = fileURLToPath(new URL('../../node_modules/.cache/workerd/', import.meta.url));

/** The answer of http.c at /count, in JavaScript. */
const worker = `let count = 0;
export default {
  async fetch(request) {
    await request.arrayBuffer();
    const { pathname, search } = new URL(request.url);
    count += 1;
    return new Response(JSON.stringify({ path: pathname + search, count }), {
      headers: { 'content-type': 'application/json' },
    });
  },
};
`;

const renderConfig = (port: number) => `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [(name = "worker.js", esModule = embed "worker.js")],
    compatibilityDate = "2025-01-01"
  ))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")]
);
`;

type WorkerdServer = { readonly url: URL; stop(): Promise<void> };

/** @throws Error when it is not installed and cannot be */
export async function startWorkerd(): Promise<WorkerdServer> {
  const binary = install();
  const folder = mkdtempSync(join(tmpdir(), 'skerry-workerd-'));
  const port = await freePort();
  writeFileSync(join(folder, 'worker.js'), worker);
  writeFileSync(join(folder, 'config.capnp'), renderConfig(port));
  const server = startCommand(binary, ['serve', join(folder, 'config.capnp')]);
  const url = new URL(`http://127.0.0.1:${port}/count`);
  for (let tries = 0; ; tries++) {
    try {
      await fetch(url);
      break;
    } catch (error) {
      if (tries > 200) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  return {
    url,
    async stop() {
      await server.stop('SIGKILL');
      rmSync(folder, { recursive: true });
    },
  };
}

function install(): string {
  const prefix = join(cache, workerdVersion);
  const binary = join(prefix, 'node_modules', 'workerd', 'bin', 'workerd');
  if (!existsSync(binary)) {
    mkdirSync(prefix, { recursive: true });
    execFileSync(
      'npm',
      ['install', '--no-save', '--no-audit', '--no-fund', '--prefix', prefix, `workerd@${workerdVersion}`],
      {
        stdio: 'pipe',
      },
    );
  }
  return binary;
}
