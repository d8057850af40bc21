import { writeFile } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import { Command } from 'commander';
import { show } from '../../api/api-command.ts';
import { buildProject, describeBuilder } from '../../build/build.ts';
import { findProject } from '../../build/project.ts';
import { formatDuration, formatSize } from '../../options/units.ts';
import { withExamples } from '../../terminal/examples.ts';
import { CliFailure } from '../../terminal/failure.ts';
import type { Terminal } from '../../terminal/terminal.ts';

type BuildOptions = { output?: string; json?: boolean };

/** `skerry fn build [DIR]`: builds the component of a project like those that `skerry fn new` writes. */
export function buildCommand(terminal: Terminal): Command {
  const command = new Command('build')
    .description('Build a function to a component. The files in the directory determine the language.')
    .argument('[dir]', 'directory of the project', '.')
    .option('-o, --output <file>', 'file to write; default: in the directory, under its name')
    .action(async (dir: string, _, build: Command) => {
      const options = build.optsWithGlobals<BuildOptions>();
      const directory = resolve(terminal.cwd, dir);
      const project = await findProject(directory);
      const file =
        options.output === undefined
          ? join(directory, `${basename(directory)}.wasm`)
          : resolve(terminal.cwd, options.output);
      const name = relative(terminal.cwd, file);
      terminal.err(`Building ${name} (${describeBuilder(project)}) …\n`);
      const start = performance.now();
      const bytes = await buildProject(project, terminal.env);
      await writeFile(file, bytes).catch((cause: Error) => {
        throw new CliFailure('usage', `cannot write ${name}: ${cause.message}`, { cause });
      });
      const ms = Math.round(performance.now() - start);
      const { language, world } = project;
      show(terminal, options, { file, size: bytes.byteLength, language, world, duration_ms: ms }, () => {
        return `${name}: ${formatSize(bytes.byteLength)} in ${formatDuration(ms)}\n`;
      });
    });
  return withExamples(command, ['skerry fn build', 'skerry fn build hello -o hello.wasm']);
}
