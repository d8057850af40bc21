/** Rust, with cargo: for the target wasm32-wasip1, which is a component after one more step. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CliFailure } from '../failure.ts';
import { toComponent } from './component.ts';
import type { Project } from './project.ts';
import { runTool, ToolFailure } from './tool.ts';

const target = 'wasm32-wasip1';
const targetHint = `The target is missing: rustup target add ${target}`;

/** @throws CliFailure */
export async function buildRust({ directory, world }: Project): Promise<Uint8Array> {
  await runTool('cargo', ['build', '--release', '--target', target], {
    cwd: directory,
    hint: `Install Rust (https://rustup.rs), then: rustup target add ${target}`,
  }).catch((error: unknown) => {
    // rustc's code for a crate that cannot be found, which `core` and `std` are without the target.
    if (error instanceof ToolFailure && /E0463|target may not be installed/.test(error.said)) {
      throw new CliFailure('failed', targetHint, { cause: error });
    }
    throw error;
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
