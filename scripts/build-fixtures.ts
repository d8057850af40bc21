/**
 * Builds the components of the tests from the C sources beside them: `node scripts/build-fixtures.ts`.
 * The results are committed, so only a change of a source needs the compiler (Debian: clang lld wasi-libc
 * libclang-rt-14-dev-wasm32). The same sources and tools give the same bytes.
 *
 *   handler.wasm    world skerry:function/handler, no imports
 *   host.wasm       the same world, with WASI imports, some of which suspend
 *   command.wasm    preview1 command: a core module
 *   run.wasm        the same program as a component that exports wasi:cli/run
 *   http.wasm       world wasi:http/incoming-handler
 *   files.wasm      preview1 command that works with files
 *   funless.wasm    FunLess's own ABI: a core module without libc
 *   kept.wasm       world skerry:function/handler, with wasi:keyvalue, config and logging
 *   wait.wasm       world skerry:function/handler, waits as long as its input says
 *   poison.wasm     world wasi:http/incoming-handler, does harm
 *   run03.wasm      world wasi:cli/run of WASI 0.3
 *   http03.wasm     world wasi:http/handler of WASI 0.3
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

/** A core module with only the code of the source. */
function compileBare(source: string): Uint8Array {
  const output = join(scratch, `${source}.wasm`);
  const flags = ['--target=wasm32', '-nostdlib', '-fno-builtin', '-Os', '-Wall', '-Wl,--no-entry', '-Wl,--strip-all'];
  execFileSync('clang', [...flags, join(fixtures, source), '-o', output], { stdio: 'inherit' });
  return readFileSync(output);
}

/** The WIT of WASI, from jco: all packages in one text, so that they find each other. */
function wasiWit(version: string, packages: readonly string[]): string {
  return packages
    .map(
      (name) =>
        new URL(`../lib/wit/builtin/${version}/wasi-${name}/package.wit`, import.meta.resolve('@bytecodealliance/jco')),
    )
    .map((url) => readFileSync(url, 'utf8').replace(/^package ([^;]+);([\s\S]*)$/m, 'package $1 {$2}'))
    .join('\n');
}

const wasi02 = wasiWit('0.2.12', ['io', 'clocks', 'random', 'cli', 'filesystem', 'sockets', 'http']);
const wasi03 = wasiWit('0.3.0', ['clocks', 'random', 'cli', 'filesystem', 'sockets', 'http']);

/** A component whose core module imports only the interfaces of its world. */
async function buildComponent(
  source: string,
  items: string,
  packages = wasi02,
  binary = compile(source, 'reactor'),
): Promise<Uint8Array> {
  const witSource = `package skerry:fixture;\nworld fixture { ${items} }\n${packages}`;
  return componentNew(await componentEmbed({ binary, witSource, world: 'fixture' }), []);
}

try {
  const command = compile('command.c', 'command');
  const built: Record<string, Uint8Array> = {
    'handler.wasm': await handler('handler.c'),
    'host.wasm': await handler('host.c'),
    'command.wasm': command,
    'run.wasm': await componentNew(command, [['wasi_snapshot_preview1', readFileSync(preview1AdapterCommandPath())]]),
    'files.wasm': compile('files.c', 'command'),
    'funless.wasm': compileBare('funless.c'),
    'http.wasm': await buildComponent(
      'http.c',
      `import wasi:http/outgoing-handler@0.2.12; import wasi:clocks/monotonic-clock@0.2.12;
       import wasi:random/random@0.2.12; export wasi:http/incoming-handler@0.2.12;`,
    ),
    'kept.wasm': await buildComponent(
      'kept.c',
      `import wasi:keyvalue/store@0.2.0-draft2; import wasi:keyvalue/atomics@0.2.0-draft2;
       import wasi:keyvalue/batch@0.2.0-draft2; import wasi:config/store@0.2.0-draft;
       import wasi:logging/logging@0.1.0-draft; export invoke: func(input: string) -> result<string, string>;`,
      readFileSync(join(fixtures, 'kept.wit'), 'utf8'),
    ),
    'wait.wasm': await buildComponent(
      'wait.c',
      `import wasi:clocks/monotonic-clock@0.2.12; export invoke: func(input: string) -> result<string, string>;`,
    ),
    'poison.wasm': await buildComponent(
      'poison.c',
      `import wasi:clocks/monotonic-clock@0.2.12; import wasi:random/random@0.2.12; import wasi:cli/stderr@0.2.12;
       import wasi:cli/exit@0.2.12; import wasi:cli/environment@0.2.12; import wasi:sockets/tcp-create-socket@0.2.12;
       import wasi:sockets/udp-create-socket@0.2.12; export wasi:http/incoming-handler@0.2.12;`,
    ),
    'run03.wasm': await buildComponent(
      'run03.c',
      `import wasi:cli/stdin@0.3.0; import wasi:cli/stdout@0.3.0; import wasi:cli/stderr@0.3.0;
       import wasi:cli/exit@0.3.0; import wasi:cli/environment@0.3.0; import wasi:random/random@0.3.0;
       import wasi:clocks/monotonic-clock@0.3.0; export wasi:cli/run@0.3.0;`,
      wasi03,
      compileBare('run03.c'),
    ),
    'http03.wasm': await buildComponent(
      'http03.c',
      'import wasi:http/types@0.3.0; export wasi:http/handler@0.3.0;',
      wasi03,
      compileBare('http03.c'),
    ),
  };
  for (const [name, bytes] of Object.entries(built)) {
    writeFileSync(join(fixtures, name), bytes);
    console.log(`${name.padEnd(14)} ${bytes.byteLength} bytes`);
  }
} finally {
  rmSync(scratch, { recursive: true });
}
