import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { apiCommand, connect, show } from '../../api/api-command.ts';
import { type DeployResult, deployFunction } from '../../deploy/deploy.ts';
import { describePermissions } from '../../deploy/permissions.ts';
import { describeRefusals } from '../../deploy/refusals.ts';
import { type ManifestOptions, readManifest, withManifestOptions } from '../../options/manifest-options.ts';
import { formatSize } from '../../options/units.ts';
import { CliFailure } from '../../terminal/failure.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { type FunctionOptions, withModule } from './module-option.ts';

type DeployOptions = FunctionOptions & ManifestOptions & { wait: boolean; events?: string; sinks?: string };

/**
 * `skerry fn deploy NAME FILE`: creates the function, or a new revision of it. Options change single fields of the current
 * revision's manifest. A manifest file replaces the manifest.
 */
export function deployCommand(terminal: Terminal): Command {
  const command = apiCommand('deploy', 'Create a function from a component, or update it.', [
    'skerry fn deploy hello hello.wasm',
    'skerry fn deploy -m greenhouse water water.wasm --memory 32MiB --timeout 5s --label site=oslo',
    'skerry fn deploy hello hello.wasm --manifest hello.json',
    'skerry fn deploy water water.wasm --events events.json --sinks sinks.json',
    'skerry fn deploy poll poll.wasm --allow-http api.example.com:443 --dir /var/lib/readings:/data:rw',
  ]);
  return withManifestOptions(withModule(command))
    .argument('<name>', 'letters, digits, "_" and inner "-"')
    .argument('<file>', 'a .wasm component, or a preview1 command module')
    .option('--events <file>', 'JSON list of all its triggers; [] for none (docs/triggers.md)')
    .option('--sinks <file>', 'JSON list of all its sinks; [] for none (docs/sinks.md)')
    .option('--no-wait', 'do not wait for the agents')
    .action(async (name: string, file: string, _, deploy: Command) => {
      const options = deploy.optsWithGlobals<DeployOptions>();
      const read = (path: string) =>
        readFile(resolve(terminal.cwd, path)).catch((cause: Error) => {
          throw new CliFailure('usage', `cannot read ${path}: ${cause.message}`, { cause });
        });
      const code = await read(file);
      const readList = async (path: string) => listText(path, (await read(path)).toString());
      const events = options.events && (await readList(options.events));
      const sinks = options.sinks && (await readList(options.sinks));
      const result = await deployFunction(await connect(terminal, options), {
        module: options.module,
        name,
        code,
        manifest: (current) => readManifest(terminal, options, current),
        wait: options.wait,
        events,
        sinks,
      });
      show(terminal, options, result, () => describe(result));
      for (const { agent, code: reason, message } of result.agents.failed) {
        terminal.err(`skerry: agent ${agent} cannot load it: ${message} (${reason})\n`);
      }
      const refusals = [
        describeRefusals('trigger', result.events, result.created),
        describeRefusals('sink', result.sinks, result.created),
      ].filter((refused) => refused !== undefined);
      if (refusals.length === 0) return;
      // With --json, the reasons are in the result.
      if (!options.json) for (const line of refusals.flatMap(({ lines }) => lines)) terminal.err(`skerry: ${line}\n`);
      const summary = refusals.map((refused) => refused.summary).join('; ');
      throw new CliFailure('failed', `the code is deployed, but not all of its triggers and sinks: ${summary}`);
    });
}

/** The text, when it is a JSON list. @throws CliFailure */
function listText(path: string, text: string): string {
  try {
    if (Array.isArray(JSON.parse(text))) return text;
  } catch (cause) {
    throw new CliFailure('usage', `${path} is not JSON: ${(cause as Error).message}`, { cause });
  }
  throw new CliFailure('usage', `${path} must be a JSON list`);
}

function describe({ created, module, name, revision, world, size, agents, permissions }: DeployResult): string {
  const verb = created ? 'Created' : 'Updated';
  return (
    `${verb} ${module}/${name}, revision ${revision} (${world}, ${formatSize(size)}); ` +
    `${agents.applied} of ${agents.total} agents have it\n` +
    describePermissions(permissions)
  );
}
