/**
 * A trigger or a sink with some of its parameters changed. The API replaces all of one, so the parameters that stay are
 * sent again; credentials are shown to nobody, so they cannot be, and are asked for instead of being lost in silence.
 */
import type { SinkDetails, TriggerDetails } from '../api/answers.ts';
import { CliFailure } from '../terminal/failure.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { readSpec, type Spec, type SpecOptions } from './spec-options.ts';

type Params = Readonly<Record<string, unknown>>;

/** @throws CliFailure when nothing changes, when its credentials are not given again, and as `readSpec` */
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
  const had = namesOf(params);
  const isGiven = [...namesOf(spec.params)].some((name) => !had.has(name));
  if (credentials === undefined || isGiven) return spec;
  throw new CliFailure(
    'usage',
    'it has credentials, which the control plane shows to nobody: ' +
      'give them again, with --file, or as secrets (--set password_secret=NAME)',
  );
}

const credential = /^(?:password|token|key)(?:_secret)?$/;

/** Names of the credentials among parameters, and under `tls`, with the secrets that they name. */
function namesOf(params: Params): ReadonlySet<string> {
  const { tls } = params;
  const within = typeof tls === 'object' && tls !== null ? Object.entries(tls) : [];
  const named = [...Object.entries(params), ...within].filter(([name]) => credential.test(name));
  return new Set(named.map(([name, value]) => `${name}=${value}`));
}
