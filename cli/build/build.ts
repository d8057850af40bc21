/** Builds a project to the bytes to deploy. Libraries that compile are loaded when they are used. */
import { buildC } from './c.ts';
import { buildJavaScript } from './javascript.ts';
import type { Project } from './project.ts';
import { buildRust } from './rust.ts';

/**
 * @param env the environment of the user, of which `WASI_SYSROOT` is read
 * @throws CliFailure with the output of the compiler, or the name of a missing tool
 */
export function buildProject(project: Project, env: Readonly<Record<string, string | undefined>>): Promise<Uint8Array> {
  switch (project.language) {
    case 'c':
      return buildC(project, env);
    case 'rust':
      return buildRust(project);
    default:
      return buildJavaScript(project);
  }
}

/** Names the tool that does the work, for people who wait for it. */
export function describeBuilder({ language, world }: Project): string {
  if (language === 'c') return 'clang';
  if (language === 'rust') return 'cargo';
  return world === 'http' ? 'StarlingMonkey, some 15 s and 800 MB of memory' : 'QuickJS';
}
