/** Creates a function, or updates it when it exists, for `skerry fn deploy` and `skerry up`. */
import type { Manifest, ManifestInput } from '@skerry/shared/function/manifest.ts';
import type { Deployed, FunctionDetails } from '../api/answers.ts';
import { apiPath, type Client } from '../api/client.ts';
import { CliFailure } from '../terminal/failure.ts';

/** Covers the upload, its preparation and the agents' answer. The preparation alone may take a minute. */
const deployTimeoutMs = 180_000;

type Deployment = {
  readonly module: string;
  readonly name: string;
  readonly code: Uint8Array<ArrayBuffer>;
  /** Makes the manifest to send of the current one. Undefined leaves the manifest to the control plane. */
  readonly manifest?: (current: Manifest | undefined) => Promise<ManifestInput | undefined>;
  /** JSON lists of all triggers and sinks of the function. Undefined keeps those that it has. */
  readonly events?: string | undefined;
  readonly sinks?: string | undefined;
  /** Wait until the agents have the function, or the control plane's time limit is over. */
  readonly wait: boolean;
};

export type DeployResult = Deployed & { readonly created: boolean };

/** @throws CliFailure */
export async function deployFunction(client: Client, deployment: Deployment): Promise<DeployResult> {
  const { module, name, code, wait } = deployment;
  const path = apiPath('fn', module, name);
  const current = await client.get<FunctionDetails>(path).catch((error: unknown) => {
    if (error instanceof CliFailure && error.status === 404) return undefined;
    throw error;
  });
  const manifest = await deployment.manifest?.(current?.manifest);

  const form = new FormData();
  form.set('name', name);
  form.set('wait_for_workers', String(wait));
  if (manifest !== undefined) form.set('manifest', JSON.stringify(manifest));
  if (deployment.events !== undefined) form.set('events', deployment.events);
  if (deployment.sinks !== undefined) form.set('sinks', deployment.sinks);
  form.set('code', new Blob([code], { type: 'application/wasm' }), `${name}.wasm`);
  const created = current === undefined;
  const { data } = await client.request<Deployed>(created ? 'POST' : 'PUT', created ? apiPath('fn', module) : path, {
    form,
    timeoutMs: deployTimeoutMs,
  });
  return { ...data, created };
}
