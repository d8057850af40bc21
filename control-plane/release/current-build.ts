/**
 * Finds the build of the control plane that fits the sources as they are, or has one made.
 *
 * The cache has a folder for each build, named by content, and `current.json`, which names the newest one and lists
 * the files that it was made of. Invariants:
 * - A build is used only while every listed file has the size and the times that it had before the build began.
 * - Folders and `current.json` appear under their names when they are complete, so processes may start and build at
 *   the same time.
 * - A folder stays while a process uses it: each process has a file `user-<pid>` in it.
 */
import { execFile } from 'node:child_process';
import { accessSync, constants, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

/** Writable only for users who can change the sources as well. */
export const cache: string = fileURLToPath(new URL('../node_modules/.cache/skerry/', import.meta.url));
export const currentFile: string = join(cache, 'current.json');
export const userPrefix = 'user-';

const buildScript = fileURLToPath(new URL('./build.ts', import.meta.url));

/** A file that a build was made of: absolute path, size in bytes, times of its last changes in milliseconds. */
export type Input = readonly [path: string, size: number, contentChanged: number, statusChanged: number];

export type CurrentBuild = {
  /** Absolute path of the script to run. */
  readonly entry: string;
  readonly inputs: readonly Input[];
};

/** The script to import. Undefined without a bundler or a cache that can be written, or when bundling fails. */
export async function findBuild(): Promise<URL | undefined> {
  const entry = readCurrent() ?? (await makeBuild());
  if (entry === undefined) return undefined;
  markUsed(dirname(entry));
  enableCompileCache(join(dirname(entry), 'compiled'));
  return pathToFileURL(entry);
}

/** @returns the properties that identify the content of a file, or undefined without the file */
export function readInput(path: string): Input | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat && [path, stat.size, stat.mtimeMs, stat.ctimeMs];
}

/** @returns the script of the newest build, or undefined without one and after a change of a file that it was made of */
export function readCurrent(file: string = currentFile): string | undefined {
  try {
    const { entry, inputs }: CurrentBuild = JSON.parse(readFileSync(file, 'utf8'));
    return inputs.every(isUnchanged) && statSync(entry).isFile() ? entry : undefined;
  } catch {
    // There is no build yet.
    return undefined;
  }
}

function isUnchanged(input: Input): boolean {
  const now = readInput(input[0]);
  return now?.every((value, at) => value === input[at]) ?? false;
}

/** In a process of its own, so that the bundler's memory is freed. */
async function makeBuild(): Promise<string | undefined> {
  try {
    mkdirSync(cache, { recursive: true });
    accessSync(cache, constants.W_OK);
    const { stdout } = await promisify(execFile)(process.execPath, [buildScript, '--cache']);
    return stdout.trim();
  } catch {
    // Running the sources gives the better message about a fault in them.
    return undefined;
  }
}

function markUsed(folder: string): void {
  const file = join(folder, `${userPrefix}${process.pid}`);
  try {
    writeFileSync(file, '');
    process.once('exit', () => rmSync(file, { force: true }));
  } catch {
    // A cache that cannot be written cannot lose folders either.
  }
}
