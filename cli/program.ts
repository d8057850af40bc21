/**
 * A run of the command line, from its arguments to its exit code. Each command is made in its own file under commands/.
 *
 * Invariant: a run always ends with one of `exitCodes`, unless its command becomes another process, which has its own.
 * An error is one line. The end of a log follows when the log has the explanation. With --json, every error is one
 * JSON value.
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
export async function runProgram(argv: readonly string[], rawTerminal: Terminal): Promise<number> {
  const terminal = printable(rawTerminal);
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
    const { kind, message, code, status } = toFailure(error);
    if (json) terminal.err(`${printableJson({ error: { message, code, status } })}\n`);
    // Commander has printed its own errors already, or the help.
    else if (!(error instanceof CommanderError)) terminal.err(`skerry: ${message}\n`);
    return exitCodes[kind];
  }
}

/** Turns any thrown value into the failure that ends a command. An unexpected error is one line, too. */
function toFailure(error: unknown): CliFailure {
  if (error instanceof CliFailure) return error;
  if (error instanceof CommanderError) {
    const help = error.code === 'commander.help';
    return new CliFailure('usage', help ? 'a command is missing; see: skerry --help' : plainMessage(error.message));
  }
  const message = error instanceof Error && error.message !== '' ? error.message : String(error);
  return new CliFailure('failed', plainMessage(message), { cause: error });
}

/** Makes one line, without commander's prefix of an error. */
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

/** Applies the settings that commander does not pass on to commands made elsewhere. @param terminal commander's output */
function configure(command: Command, program: Command, terminal: Terminal): void {
  command
    .exitOverride()
    .configureHelp({
      showGlobalOptions: true,
      visibleGlobalOptions: (shown) => (shown === program ? [] : [...program.options]),
    })
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => terminal.err(text),
      outputError: (text, write) => write(text.replace(/^error: /, 'skerry: ')),
    });
  for (const child of command.commands) configure(child, program, terminal);
}
