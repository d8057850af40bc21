/**
 * Changes some parameters of a trigger or a sink. The API replaces all parameters, so those that stay are sent again.
 * The API does not return credentials, so the user must give them again. Without this rule they would be lost in silence.
 */
import type { SinkDetails, TriggerDetails } from '../api/answers.ts';
import { CliFailure } from '../terminal/failure.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { readSpec, type Spec, type SpecOptions } from './spec-options.ts';

type Params = Readonly<Record<string, unknown>>;

/** @throws CliFailure when nothing changes, when credentials are missing, and like `readSpec` */
export async function changedSpec(
  terminal: Terminal,
  current: Pick<TriggerDetails | SinkDetails, 'type' | 'params'>,
  options: SpecOptions,
): Promise<Spec> {
  if (options.set === undefined && options.file === undefined) {
    throw new CliFailure('usage', 'nothing to change: give --set key=value, or --file');
  }
  const { credentials, ...params } = current.params;
  const spec = await readSpec(terminal, current.type, options, params);
  const before = listCredentials(params);
  const isGiven = [...listCredentials(spec.params)].some((name) => !before.has(name));
  if (credentials === undefined || isGiven) return spec;
  throw new CliFailure(
    'usage',
    'it has credentials, which the control plane never returns: ' +
      'give them again, with --file, or as secrets (--set password_secret=NAME)',
  );
}

const credential = /^(?:password|token|key)(?:_secret)?$/;

/** Names of the credentials among parameters, and under `tls`, with the secrets that they name. */
function listCredentials(params: Params): ReadonlySet<string> {
  const { tls } = params;
  const within = typeof tls === 'object' && tls !== null ? Object.entries(tls) : [];
  const named = [...Object.entries(params), ...within].filter(([name]) => credential.test(name));
  return new Set(named.map(([name, value]) => `${name}=${value}`));
}
