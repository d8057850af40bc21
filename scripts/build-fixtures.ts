/**
 * Builds the components that the tests run from the C sources beside them: `node scripts/build-fixtures.ts`.
 * The results are committed, so only who changes a source needs the compiler (Debian: clang lld wasi-libc
 * libclang-rt-14-dev-wasm32). The same sources and tools give the same bytes.
 *
 *   handler.wasm    world skerry:function/handler, no imports
 *   host.wasm       the same world, with WASI imports, some of which suspend
 *   command.wasm    preview1 command: a core module
 *   run.wasm        the same program as a component that exports wasi:cli/run
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  componentEmbed,
  componentNew,
  preview1AdapterCommandPath,
  preview1AdapterReactorPath,
} from '@bytecodealliance/jco';

const fixtures = fileURLToPath(new URL('../test/fixtures/', import.meta.url));
const handlerWit = readFileSync(new URL('../shared/wit/handler.wit', import.meta.url), 'utf8');
const scratch = mkdtempSync(join(tmpdir(), 'skerry-fixtures-'));

function compile(source: string, model: 'command' | 'reactor'): Uint8Array {
  const output = join(scratch, `${source}.wasm`);
  const flags = ['--target=wasm32-wasi', '--sysroot=/usr', '-Os', '-Wall', `-mexec-model=${model}`, '-Wl,--strip-all'];
  execFileSync('clang', [...flags, join(fixtures, source), '-o', output], { stdio: 'inherit' });
  return readFileSync(output);
}

async function handler(source: string): Promise<Uint8Array> {
  const core = await componentEmbed({
    binary: compile(source, 'reactor'),
    witSource: handlerWit,
    world: 'handler',
  });
  return componentNew(core, [['wasi_snapshot_preview1', readFileSync(preview1AdapterReactorPath())]]);
}

try {
  const command = compile('command.c', 'command');
  const built: Record<string, Uint8Array> = {
    'handler.wasm': await handler('handler.c'),
    'host.wasm': await handler('host.c'),
    'command.wasm': command,
    'run.wasm': await componentNew(command, [['wasi_snapshot_preview1', readFileSync(preview1AdapterCommandPath())]]),
  };
  for (const [name, bytes] of Object.entries(built)) {
    writeFileSync(join(fixtures, name), bytes);
    console.log(`${name.padEnd(14)} ${bytes.byteLength} bytes`);
  }
} finally {
  rmSync(scratch, { recursive: true });
}
