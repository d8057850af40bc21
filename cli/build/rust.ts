/** Builds Rust with cargo to a module for WASI preview 1, and makes a component of it. */
import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CliFailure } from '../terminal/failure.ts';
import { toComponent } from './component.ts';
import type { Project } from './project.ts';
import { runTool } from './tool.ts';

/** The target's name today, and before Rust 1.78. */
const targets = ['wasm32-wasip1', 'wasm32-wasi'] as const;
/** The toolchain on the PATH, and Debian's, whose libstd-rust-dev-wasm32 fits no other compiler. */
const toolchains = [
  { cargo: 'cargo', rustc: 'rustc' },
  { cargo: '/usr/bin/cargo', rustc: '/usr/bin/rustc' },
] as const;

const hint =
  'Install Rust (https://rustup.rs), then: rustup target add wasm32-wasip1. On Debian: apt install cargo libstd-rust-dev-wasm32';

type Toolchain = (typeof toolchains)[number] & { readonly target: string };

/** @throws CliFailure */
export async function buildRust({ directory, world }: Project): Promise<Uint8Array> {
  const { cargo, rustc, target } = await findToolchain(directory);
  await runTool(cargo, ['build', '--release', '--target', target], {
    cwd: directory,
    hint,
    env: { ...process.env, RUSTC: rustc },
  });
  const folder = join(directory, 'target', target, 'release');
  const built = (await readdir(folder)).filter((name) => name.endsWith('.wasm'));
  const [name] = built;
  if (name === undefined || built.length > 1) {
    throw new CliFailure('failed', `cargo left ${built.length} modules in ${folder}; a project makes one`);
  }
  const module = await readFile(join(folder, name));
  return world === 'handler' || world === 'http' ? toComponent(module, world) : module;
}

/** The first toolchain that has the standard library for WebAssembly. @throws CliFailure when none has */
export async function findToolchain(directory: string): Promise<Toolchain> {
  let missing: unknown;
  for (const toolchain of toolchains) {
    for (const target of targets) {
      try {
        const library = await runTool(toolchain.rustc, ['--print', 'target-libdir', '--target', target], {
          cwd: directory,
          hint,
        });
        await access(library.trim());
        return { ...toolchain, target };
      } catch (error) {
        missing = error;
      }
    }
  }
  throw new CliFailure('failed', `Rust for WebAssembly is not installed. ${hint}`, { cause: missing });
}
