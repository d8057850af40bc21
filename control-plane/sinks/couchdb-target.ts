/** Which server and which database a sink's parameters mean: FunLess has one URL of both. */
import { SkerryError } from '@skerry/shared/errors.ts';
import { type CouchdbParams, couchDatabase } from '@skerry/shared/sinks.ts';

export type CouchTarget = {
  /** Without the database and without credentials; ends with "/". */
  readonly server: string;
  readonly database: string;
  /** Value of the header (RFC 7617). */
  readonly authorization: string | undefined;
};

/** @throws SkerryError validation_failed, when no database is named */
export function couchTarget(params: Pick<CouchdbParams, 'url' | 'database' | 'username' | 'password'>): CouchTarget {
  const { origin, pathname } = new URL(params.url);
  const path = pathname.split('/').filter((part) => part !== '');
  if (params.database === undefined) path.pop();
  const database = couchDatabase(params);
  if (database === undefined) {
    throw new SkerryError(
      'validation_failed',
      'The sink names no database: give "database", or an url that ends with it',
    );
  }
  return {
    server: `${origin}/${path.map((part) => `${part}/`).join('')}`,
    database,
    authorization: basicAuthorization(params),
  };
}

/** HTTP Basic, where there is a user. */
export function basicAuthorization({ username, password }: Pick<CouchdbParams, 'username' | 'password'>) {
  if (username === undefined) return undefined;
  return `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}`;
}
