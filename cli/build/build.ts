/** From a project to the bytes to deploy. The compilers, and the libraries that stand for them, are loaded when used. */
import { buildC } from './c.ts';
import { buildJavaScript } from './javascript.ts';
import type { Project } from './project.ts';
import { buildRust } from './rust.ts';

/** @param env of the user; `WASI_SYSROOT` is read @throws CliFailure with what the compiler said, or what is missing */
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

/** What does the work, for people who wait for it. */
export function describeBuilder({ language, world }: Project): string {
  if (language === 'c') return 'clang';
  if (language === 'rust') return 'cargo';
  return world === 'http' ? 'StarlingMonkey, some 15 s and 800 MB of memory' : 'QuickJS';
}
