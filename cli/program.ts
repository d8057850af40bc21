/**
 * The command tree, and how a run of it ends. Each command is made in its own file under commands/.
 *
 * Invariant: whatever happens, a run ends with one of `exitCodes` (or, for the commands that become another process,
 * with that process's own), and an error is one line, followed by the end of a log where that is the explanation.
 */
import { Command, CommanderError } from 'commander';
import { agentCommand } from './commands/agent/agent.ts';
import { controlPlaneCommand } from './commands/control-plane.ts';
import { functionCommand } from './commands/fn/fn.ts';
import { loginCommand } from './commands/login.ts';
import { moduleCommand } from './commands/mod/mod.ts';
import { subjectCommand } from './commands/subject/subject.ts';
import { upCommand } from './commands/up.ts';
import { withExamples } from './examples.ts';
import { CliFailure, exitCodes } from './failure.ts';
import type { Terminal } from './terminal.ts';

/** Runs one command line. @param argv arguments without the program's own name @returns the exit code */
export async function runProgram(argv: readonly string[], terminal: Terminal): Promise<number> {
  let exitCode: number = exitCodes.ok;
  const program = createProgram(terminal, (code) => {
    exitCode = code;
  });
  const json = argv.includes('--json');
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    if (!(error instanceof CliFailure)) throw error;
    const { message, code, status } = error;
    terminal.err(json ? `${JSON.stringify({ error: { message, code, status } })}\n` : `skerry: ${message}\n`);
    return exitCodes[error.kind];
  }
}

function createProgram(terminal: Terminal, setExitCode: (code: number) => void): Command {
  const program = withExamples(new Command('skerry'), [
    'skerry up                                    # a control plane and an agent on this machine',
    'skerry login --server https://skerry.example.org',
    'skerry fn deploy hello hello.wasm',
    'skerry fn invoke hello -j \'{"name":"Ada"}\'',
  ])
    .description('Runs functions on devices.')
    .option('--json', 'print results and errors as JSON')
    .addCommand(loginCommand(terminal))
    .addCommand(moduleCommand(terminal))
    .addCommand(functionCommand(terminal))
    .addCommand(agentCommand(terminal))
    .addCommand(subjectCommand(terminal))
    .addCommand(upCommand(terminal, setExitCode))
    .addCommand(controlPlaneCommand(terminal));
  configure(program, program, terminal);
  return program;
}

/** Settings that commander does not hand on to commands made elsewhere. */
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
