/** Builds C with clang: every `.c` file of the directory, to one module. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toComponent } from './component.ts';
import type { Project } from './project.ts';
import { runTool } from './tool.ts';

const hint =
  'Debian and Ubuntu: apt install clang lld wasi-libc libclang-rt-dev-wasm32 (with the version of your clang: libclang-rt-14-dev-wasm32)';

/** The sysroot of Debian's wasi-libc. WASI_SYSROOT can name another one, such as the WASI SDK's. */
const debianSysroot = '/usr';

export async function buildC(
  { directory, world }: Project,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Uint8Array> {
  const sources = (await readdir(directory)).filter((name) => name.endsWith('.c')).sort();
  const scratch = await mkdtemp(join(tmpdir(), 'skerry-build-'));
  try {
    const output = join(scratch, 'module.wasm');
    const flags = [
      '--target=wasm32-wasi',
      `--sysroot=${env.WASI_SYSROOT ?? debianSysroot}`,
      '-Os',
      '-Wall',
      `-mexec-model=${world === 'command' ? 'command' : 'reactor'}`,
      '-Wl,--strip-all',
      // The host provides FunLess's imports. No library has them.
      ...(world === 'funless' ? ['-Wl,--allow-undefined'] : []),
    ];
    await runTool('clang', [...flags, ...sources, '-o', output], { cwd: directory, hint });
    const module = await readFile(output);
    return world === 'handler' || world === 'http' ? await toComponent(module, world) : module;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
