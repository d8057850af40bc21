/**
 * Loads commands when a command line names them, because most of the modules that commands import are slow to load.
 * A command line that names no command of a group may show the help of the group, so it loads all of them.
 */
import { Command, Option } from 'commander';
import type { Terminal } from '../terminal/terminal.ts';

/** @param words the words of the command line after the command's own name */
type CommandFactory = (terminal: Terminal, words: readonly string[]) => Command | Promise<Command>;

/** Loaders by name and by alias. An alias has the same loader as the name. */
export type CommandLoaders = Readonly<Record<string, () => Promise<CommandFactory>>>;

/** A command below `skerry`, with its text in the help of `skerry`. */
export type TopCommand = {
  readonly summary: string;
  /** The command has options of its own. */
  readonly hasOptions?: true;
  readonly load: () => Promise<CommandFactory>;
};

/** Stands in the help for a command that is not loaded. */
export function createStandIn(name: string, { hasOptions }: TopCommand): Command {
  const command = new Command(name);
  // Commander writes [options] after the name of a command that has one.
  return hasOptions ? command.addOption(new Option('--any')) : command;
}

/** Adds the command that the first word names. Adds all of them, in order, when it names none. */
export async function addCommands(
  parent: Command,
  loaders: CommandLoaders,
  terminal: Terminal,
  [first = '', ...rest]: readonly string[],
): Promise<Command> {
  const named = Object.hasOwn(loaders, first) ? loaders[first] : undefined;
  const selected = named ? [named] : new Set(Object.values(loaders));
  const factories = await Promise.all([...selected].map((load) => load()));
  for (const create of factories) parent.addCommand(await create(terminal, named ? rest : []));
  return parent;
}

/** The words of a command line that can name commands: no options, and no `help`, which may precede a command. */
export function readCommandWords(argv: readonly string[]): string[] {
  return argv.filter((word) => !word.startsWith('-') && word !== 'help');
}
