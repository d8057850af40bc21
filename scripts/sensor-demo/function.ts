/**
 * Builds the example's function, and deploys it with the trigger and the sink of examples/sensor. Both get the addresses
 * of the broker and of CouchDB in this run.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Couch } from './services/couchdb.ts';
import type { Platform } from './services/platform.ts';
import { runSkerry, type SkerryOptions } from './services/skerry.ts';
import { until } from './services/until.ts';

export const functionName = 'alerts';
const listeningTimeoutMs = 30_000;

const example = fileURLToPath(new URL('../../examples/sensor/', import.meta.url));

type Spec = { readonly type: string; readonly params: Readonly<Record<string, unknown>> };

/** Name of the database for reports. */
export function databaseName(): string {
  const [sink] = readSpecs('sinks.json');
  return String(sink?.params.database);
}

/** @returns path of the component */
export async function buildFunction(data: string, options: SkerryOptions): Promise<string> {
  const component = join(data, `${functionName}.wasm`);
  await runSkerry(['fn', 'build', example, '-o', component], options);
  return component;
}

export type DeployOptions = {
  readonly data: string;
  readonly component: string;
  readonly brokerPort: number;
  readonly couch: Couch;
  readonly signal: AbortSignal;
};

/** Resolves when the agent listens to the broker. */
export async function deployFunction(
  platform: Platform,
  { data, component, brokerPort, couch: { url, username, password }, signal }: DeployOptions,
): Promise<void> {
  const events = writeSpecs(data, 'events.json', { port: brokerPort });
  // A password is in a file, because other users of the machine can read arguments.
  const sinks = writeSpecs(data, 'sinks.json', { url, ...(username && { username }), ...(password && { password }) });
  await platform.skerry('fn', 'deploy', functionName, component, '--events', events, '--sinks', sinks);

  const listens = async () => {
    type Trigger = { readonly places: readonly { readonly state: string; readonly error?: string }[] };
    const triggers = await platform.api<Trigger[]>('GET', `/v1/fn/_/${functionName}/triggers`);
    const places = triggers.flatMap((trigger) => trigger.places);
    if (places.some(({ state }) => state === 'up')) return true;
    throw new Error(
      places.map(({ state, error = '' }) => `${state} ${error}`.trim()).join('; ') || 'no agent listens yet',
    );
  };
  await until(listens, { what: 'the agent to listen to the broker', timeoutMs: listeningTimeoutMs, signal });
}

/** @returns path of a file with the example's specs and these parameters */
function writeSpecs(data: string, name: string, params: Spec['params']): string {
  const file = join(data, name);
  const specs = readSpecs(name).map((spec) => ({ ...spec, params: { ...spec.params, ...params } }));
  writeFileSync(file, `${JSON.stringify(specs, null, 2)}\n`, { mode: 0o600 });
  return file;
}

function readSpecs(name: string): Spec[] {
  return JSON.parse(readFileSync(join(example, name), 'utf8')) as Spec[];
}
