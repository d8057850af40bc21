/** Deploys and calls a newcomer's first function, in the way in which any program calls one. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { defaultModule } from '@skerry/shared/function/name-form.ts';
import { apiPath, type Client } from '../api/client.ts';
import { type DeployResult, deployFunction } from '../deploy/deploy.ts';
import { CliFailure } from '../terminal/failure.ts';
import type { Terminal } from '../terminal/terminal.ts';

export const exampleName = 'hello';
const exampleArguments = { name: 'Ada' };

export async function deployExample({ cwd }: Terminal, client: Client, file: string): Promise<DeployResult> {
  const code = await readFile(resolve(cwd, file)).catch((cause: Error) => {
    throw new CliFailure('usage', `cannot read ${file}: ${cause.message}`, { cause });
  });
  return deployFunction(client, { module: defaultModule, name: exampleName, code, wait: true });
}

type ExampleCall = { readonly answer: unknown; readonly agent: string | null; readonly durationMs: number };

/** Makes one call over HTTP, and measures the time until its answer. */
export async function callExample(client: Client): Promise<ExampleCall> {
  const start = performance.now();
  const { data, headers } = await client.request('POST', apiPath('fn', defaultModule, exampleName), {
    json: { args: exampleArguments },
  });
  return { answer: data, agent: headers.get('x-skerry-agent'), durationMs: performance.now() - start };
}

/** The same call, for a person to copy. It reads the token from its file, so that shell histories do not hold it. */
export function exampleCurl(server: string, tokenFile: string): string {
  return [
    `curl ${server}/v1/fn/${defaultModule}/${exampleName} \\`,
    `    -H "Authorization: Bearer $(cat ${tokenFile})" \\`,
    `    -H 'Content-Type: application/json' \\`,
    `    -d '${JSON.stringify({ args: exampleArguments })}'`,
  ].join('\n');
}
