import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { limitCeilings } from '@skerry/shared/function/limit-ceilings.ts';
import { type Command, Option } from 'commander';
import { apiCommand, connect, show } from '../../api/api-command.ts';
import { apiPath } from '../../api/client.ts';
import { collectPair, type Pairs } from '../../options/pairs.ts';
import { CliFailure } from '../../terminal/failure.ts';
import { printableJson } from '../../terminal/printable.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { type FunctionOptions, withModule } from './module-option.ts';

type InvokeOptions = FunctionOptions & {
  args?: Pairs;
  jsonArgs?: string;
  data?: string;
  agent?: string;
  async?: true;
  idempotencyKey?: string;
  callbackUrl?: string;
};

/** A little longer than the longest deadline that a function can have. */
const invokeTimeoutMs = limitCeilings.timeoutMs + 10_000;

/** `skerry fn invoke NAME`: calls a function and prints its result. */
export function invokeCommand(terminal: Terminal): Command {
  const command = apiCommand('invoke', 'Call a function and print its result.', [
    'skerry fn invoke hello -j \'{"name":"Ada"}\'',
    'skerry fn invoke hello -a name=Ada',
    'skerry fn invoke -m greenhouse water --data @reading.json --agent pi-7',
    'skerry fn invoke report --async',
    'skerry fn invoke report --async --idempotency-key report-2026-01-31 --callback-url https://example.org/done',
  ]);
  return withModule(command)
    .argument('<name>', 'name of the function')
    .addOption(new Option('-j, --json-args <json>', 'arguments as JSON').conflicts(['args', 'data']))
    .option('-a, --args <key=value>', 'one argument, as a string; may be given several times', collectPair)
    .addOption(new Option('-d, --data <@file|->', 'arguments as JSON from a file or standard input').conflicts('args'))
    .option('--agent <name>', 'run it on this agent')
    .option('--async', 'do not wait; print the id of the invocation (see: skerry invocation get)')
    .option('--idempotency-key <key>', 'with --async: run calls with the same key only once')
    .option('--callback-url <url>', 'with --async: POST the outcome to this URL')
    .action(async (name: string, _, invoke: Command) => {
      const options = invoke.optsWithGlobals<InvokeOptions>();
      if (!options.async && (options.idempotencyKey ?? options.callbackUrl) !== undefined) {
        throw new CliFailure('usage', '--idempotency-key and --callback-url are for calls with --async');
      }
      const args = await readArguments(terminal, options);
      const client = await connect(terminal, options);
      const { data, headers } = await client.request('POST', apiPath('fn', options.module, name), {
        json: { args },
        headers: {
          ...(options.agent !== undefined && { 'x-skerry-agent': options.agent }),
          ...(options.async && { prefer: 'respond-async' }),
          ...(options.idempotencyKey !== undefined && { 'idempotency-key': options.idempotencyKey }),
          ...(options.callbackUrl !== undefined && { 'x-callback-url': options.callbackUrl }),
        },
        timeoutMs: invokeTimeoutMs,
      });
      if (options.async) {
        const { id } = data as { id: string };
        return show(terminal, options, { invocation: id }, () => `${id}\n`);
      }
      const report = {
        data,
        invocation: headers.get('x-skerry-invocation'),
        agent: headers.get('x-skerry-agent'),
        revision: parseNumber(headers.get('x-skerry-revision')),
        duration_us: parseNumber(headers.get('x-skerry-duration-us')),
        cold: headers.get('x-skerry-cold') === '1',
      };
      show(terminal, options, report, () => `${printableJson(data, 2)}\n`);
    });
}

async function readArguments({ cwd, stdin }: Terminal, { args, jsonArgs, data }: InvokeOptions): Promise<unknown> {
  if (args !== undefined) return args;
  if (jsonArgs !== undefined) return parse(jsonArgs, '--json-args');
  if (data === undefined) return {};
  if (data === '-') return parse(await text(stdin), 'standard input');
  if (!data.startsWith('@')) return parse(data, '--data');
  const file = data.slice(1);
  const content = await readFile(resolve(cwd, file), 'utf8').catch((cause: Error) => {
    throw new CliFailure('usage', `cannot read ${file}: ${cause.message}`, { cause });
  });
  return parse(content, file);
}

function parse(content: string, where: string): unknown {
  try {
    return JSON.parse(content);
  } catch (cause) {
    throw new CliFailure('usage', `${where} is not JSON: ${(cause as Error).message}`, { cause });
  }
}

function parseNumber(header: string | null): number | null {
  return header === null ? null : Number(header);
}
