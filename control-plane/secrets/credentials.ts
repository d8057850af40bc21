/**
 * Credentials of triggers and sinks: taken out of the stored spec, sealed beside it, and put back for connecting. A
 * credential is given itself or by the name of a secret; a changed secret takes effect with the next look at the
 * catalog.
 *
 * Invariant: no spec except the result of `ready` contains a credential.
 */
import { SkerryError } from '@skerry/shared/errors.ts';
import type { Sink } from '@skerry/shared/function/sinks.ts';
import type { Trigger } from '@skerry/shared/function/triggers.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Binding } from '../model/catalog-function.ts';
import type { Sealing } from './sealing.ts';

/** Possible places: in the parameters, or in their `tls`. */
const places = [
  { field: 'password', within: undefined },
  { field: 'token', within: undefined },
  { field: 'key', within: 'tls' },
] as const;

type Values = Record<string, unknown>;
type Credentials = Partial<Record<(typeof places)[number]['field'], string>>;

/** The spec without its credentials, and those, if there are any. */
export function splitCredentials<Spec extends Trigger | Sink>(
  spec: Spec,
): { readonly spec: Spec; readonly credentials: Credentials | undefined } {
  const credentials: Credentials = {};
  const params = structuredClone(spec.params) as Values;
  for (const { field, within } of places) {
    const holder = holderOf(params, within);
    const value = holder?.[field];
    if (typeof value !== 'string') continue;
    credentials[field] = value;
    delete holder?.[field];
  }
  const any = Object.keys(credentials).length > 0;
  return { spec: { ...spec, params } as Spec, credentials: any ? credentials : undefined };
}

/** Names of the secrets that a spec names. */
export function listSecrets({ params }: Trigger | Sink): string[] {
  return places.flatMap(({ field, within }) => {
    const name = holderOf(params as Values, within)?.[`${field}_secret`];
    return typeof name === 'string' ? [name] : [];
  });
}

type CredentialsOptions = {
  readonly sealing: Sealing;
  readonly catalog: Pick<Catalog, 'secret'>;
};

export type CredentialStore = {
  seal(attachmentId: string, credentials: Credentials): Uint8Array;
  /** The sealed credentials of a binding. @throws SkerryError internal, when they cannot be opened */
  own(binding: Pick<Binding<Trigger | Sink>, 'id' | 'sealed'>): Credentials | undefined;
  /** @throws SkerryError not_found when it names a missing secret; internal when it cannot be opened */
  ready<Spec extends Trigger | Sink>(binding: Binding<Spec>): { readonly id: string } & Spec;
};

export function createCredentialStore({ sealing, catalog }: CredentialsOptions): CredentialStore {
  const secret = (name: string): string => {
    const sealed = catalog.secret(name);
    if (!sealed) throw new SkerryError('not_found', `There is no secret "${name}"`);
    return sealing.open(sealed, secretPurpose(name));
  };
  const ownOf = ({ id, sealed }: Pick<Binding<Trigger | Sink>, 'id' | 'sealed'>): Credentials | undefined =>
    sealed && JSON.parse(sealing.open(sealed, attachmentPurpose(id)));
  return {
    own: ownOf,
    seal: (id, credentials) => sealing.seal(JSON.stringify(credentials), attachmentPurpose(id)),
    ready(binding) {
      const { id, spec } = binding;
      const own = ownOf(binding);
      const params = structuredClone(spec.params) as Values;
      for (const { field, within } of places) {
        const holder = holderOf(params, within);
        if (!holder) continue;
        const name = holder[`${field}_secret`];
        delete holder[`${field}_secret`];
        const value = typeof name === 'string' ? secret(name) : own?.[field];
        if (value !== undefined) holder[field] = value;
      }
      return { ...spec, id, params };
    },
  };
}

/** The purpose with which a secret is sealed. */
export function secretPurpose(name: string): string {
  return `secret:${name}`;
}

function attachmentPurpose(id: string): string {
  return `attachment:${id}`;
}

function holderOf(params: Values, within: string | undefined): Values | undefined {
  const holder = within === undefined ? params : params[within];
  return typeof holder === 'object' && holder !== null ? (holder as Values) : undefined;
}
