/**
 * A run of the command line, from its arguments to its exit code. Each command is made in its own file under commands/.
 *
 * Invariant: whatever happens, a run ends with one of `exitCodes` (or, for the commands that become another process,
 * with that process's own), and an error is one line, followed by the end of a log where that is the explanation; with
 * --json, every error is one JSON value.
 */
import { Command, CommanderError } from 'commander';
import { topCommands } from './commands/top.ts';
import packageJson from './package.json' with { type: 'json' };
import { withExamples } from './terminal/examples.ts';
import { CliFailure, exitCodes } from './terminal/failure.ts';
import { printable, printableJson } from './terminal/printable.ts';
import type { Terminal } from './terminal/terminal.ts';
import { createStandIn, readCommandWords } from './tree/load.ts';

/** Runs one command line. @param argv arguments without the program's own name @returns the exit code */
export async function runProgram(argv: readonly string[], given: Terminal): Promise<number> {
  const terminal = printable(given);
  let exitCode: number = exitCodes.ok;
  const json = argv.includes('--json');
  try {
    const program = await createProgram(terminal, argv, (code) => {
      exitCode = code;
    });
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.ok;
    const { kind, message, code, status } = failureOf(error);
    if (json) terminal.err(`${printableJson({ error: { message, code, status } })}\n`);
    // What commander finds wrong it has told already, with the help where that is the answer.
    else if (!(error instanceof CommanderError)) terminal.err(`skerry: ${message}\n`);
    return exitCodes[kind];
  }
}

/** Whatever was thrown, as a command ends with it: a fault that nobody foresaw is one line, too. */
function failureOf(error: unknown): CliFailure {
  if (error instanceof CliFailure) return error;
  if (error instanceof CommanderError) {
    const help = error.code === 'commander.help';
    return new CliFailure('usage', help ? 'a command is missing; see: skerry --help' : plainMessage(error.message));
  }
  const message = error instanceof Error && error.message !== '' ? error.message : String(error);
  return new CliFailure('failed', plainMessage(message), { cause: error });
}

/** In one line, without commander's word for an error. */
function plainMessage(message: string): string {
  return message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' ');
}

async function createProgram(
  terminal: Terminal,
  argv: readonly string[],
  setExitCode: (code: number) => void,
): Promise<Command> {
  const json = argv.includes('--json');
  const program = withExamples(new Command('skerry'), [
    'skerry up                                    # a control plane and an agent on this machine',
    'skerry login --server https://skerry.example.org',
    'skerry fn deploy hello hello.wasm',
    'skerry fn invoke hello -j \'{"name":"Ada"}\'',
  ])
    .description('Runs functions on devices.')
    .version(packageJson.version, '-v, --version', 'print the version')
    .option('--json', 'print results and errors as JSON');
  const [first, ...rest] = readCommandWords(argv);
  for (const [name, entry] of Object.entries(topCommands(setExitCode))) {
    const command = name === first ? await (await entry.load())(terminal, rest) : createStandIn(name, entry);
    program.addCommand(command.description(entry.summary));
  }
  configure(program, program, json ? { ...terminal, err: () => {} } : terminal);
  return program;
}

/** Settings that commander does not hand on to commands made elsewhere. @param terminal what commander writes to */
function configure(command: Command, program: Command, terminal: Terminal): void {
  command
    .exitOverride()
    .configureHelp({
      showGlobalOptions: true,
      visibleGlobalOptions: (of) => (of === program ? [] : [...program.options]),
    })
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => terminal.err(text),
      outputError: (text, write) => write(text.replace(/^error: /, 'skerry: ')),
    });
  for (const child of command.commands) configure(child, program, terminal);
}
